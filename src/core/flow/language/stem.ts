/** Folds the forms of an English word to one key: crude, the same on both sides of every comparison, and never trusted alone. */
const irregular: Readonly<Record<string, string>> = {
  __proto__: null as never, // no word is what every object has: "constructor" is one
  bought: 'buy',
  rebought: 'rebuy',
  sent: 'send',
  paid: 'pay',
  made: 'make',
  wrote: 'write',
  written: 'write',
  told: 'tell',
  ran: 'run',
  gave: 'give',
  given: 'give',
  got: 'get',
  found: 'find',
  saw: 'see',
  payment: 'pay',
  deletion: 'delet',
  removal: 'remov',
  reservation: 'reserv',
  statement: 'statement',
  statements: 'statement',
  cancelled: 'cancel',
  cancelling: 'cancel',
  cancellation: 'cancel',
  cancellations: 'cancel',
  registration: 'register',
  subscription: 'subscrib',
  resolution: 'resolv',
  withdrew: 'withdraw',
  withdrawn: 'withdraw',
  withdrawal: 'withdraw',
  sold: 'sell',
  repaid: 'repay',
  kept: 'keep',
  shut: 'close',
  // Else what is the state of something would be looked at ("stat").
  state: 'state',
  states: 'state',
  globe: 'globe',
  globes: 'globe',
  // Else whoever writes ".com", or says that something comes, asks for a comment, and "not" for a note.
  comment: 'comment',
  comments: 'comment',
  commented: 'comment',
  commenting: 'comment',
  note: 'note',
  notes: 'note',
  noted: 'note',
  noting: 'note',
  notation: 'notation',
  plane: 'plane',
  planes: 'plane',
  pine: 'pine',
  pines: 'pine',
  cane: 'cane',
  canes: 'cane',
};

const endings = ['ations', 'ation', 'ments', 'ment', 'ings', 'ing', 'ies', 'ied', 'ed', 'es', 's', 'e'] as const;
/** Most words end in none of these letters. */
const lastLetters = new Set(endings.map((ending) => ending.charCodeAt(ending.length - 1)));

export function stem(word: string): string {
  const lower = word.toLowerCase();
  const known = irregular[lower];
  if (known !== undefined) return known;
  if (lower.length < 4)
    return lower.length === 3 && lower.endsWith('s') && !lower.endsWith('ss') ? lower.slice(0, 2) : lower;
  if (!lastLetters.has(lower.charCodeAt(lower.length - 1)) || lower.endsWith('ss')) return lower;
  for (const ending of endings) {
    if (!lower.endsWith(ending) || lower.length - ending.length < 3) continue;
    const root = lower.slice(0, -ending.length);
    if (ending === 'ies' || ending === 'ied') return `${root}y`;
    return undoubled(root);
  }
  return lower;
}

function undoubled(root: string): string {
  const last = root.at(-1);
  const doubled = root.length > 3 && last !== undefined && last === root.at(-2) && !'aeiouls'.includes(last);
  if (doubled) return root.slice(0, -1);
  return root.length > 4 && root.endsWith('e') ? root.slice(0, -1) : root;
}

/** `wireFunds`, `wire_funds`, `wire-funds`, `Wire funds`: the words of a name, in order, as written. */
export function wordsOfName(name: string): readonly string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/(?<![A-Z])([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}
