/** The family of action of a tool, and the families that a request speaks of. */

import { spokenFamilies } from '../language/other-languages.ts';
import { stem, wordsOfName } from '../language/stem.ts';
import { type Family, familyOfNoun, familyWords, guardedFamilies, nounsToo, readVerbs } from '../language/words.ts';
import { partsOf } from '../scan.ts';
import { openingOf } from './description.ts';
import type { ToolDefinition } from './tool-definition.ts';

const all = Object.entries(familyWords) as readonly (readonly [Family, ReadonlySet<string>])[]; // its keys are the families

const adds = new Set(['add', 'put', 'set', 'assign', 'write', 'save', 'store'].map(stem));
/** "add collaborator", "assign role": the object says more than the verb. */
const letsIn = (name: readonly string[]): boolean =>
  name.some((word) => adds.has(word)) && name.some((word) => familyOfNoun.get(word) === 'grant');
/** "add_ssh_key": whoever holds its other half is let in. */
const keyOf = new Set(['ssh', 'gpg', 'public', 'deploy', 'authorize'].map(stem));
const isKeyLetIn = (name: readonly string[]): boolean =>
  name.includes('key') &&
  name.some((word) => keyOf.has(word)) &&
  name.some((word) => adds.has(word) || makes.has(word) || bringsIn.has(word));
const bringsIn = new Set(['upload', 'register', 'import', 'install', 'deploy'].map(stem));

/** A repository of source text: what is changed there is committed and pushed, and who checks a branch out buys nothing. */
const ofSource = new Set(['git', 'repo', 'repository', 'branch'].map(stem));
const told = new Set(['notification', 'alert', 'message', 'news'].map(stem));
/** What is pushed to be run, installed or believed by others. */
const handedOut = new Set(
  'image container docker registry package module artifact release production prod live secret variable key hook mirror page site config setting'
    .split(' ')
    .map(stem),
);
const inSource = new Set(['checkout', 'pull', 'fetch', 'stage', 'stash', 'init', 'tag', 'rebase'].map(stem));
/** "open_pull_request": a change that is handed in. */
const proposes = new Set(['pull', 'merge'].map(stem));
const request = stem('request');
const hands = new Set(['create', 'open', 'submit', 'update'].map(stem));
function keepsSource(name: readonly string[], described: readonly string[]): boolean {
  // "git_tag_delete", "push_and_deploy", "force_push": more than a step of a change.
  const grave = (word: string): boolean =>
    word === stem('force') ||
    (ofVerb.get(word) ?? []).some((family) => guardedFamilies.has(family) || family === 'cancel');
  if (name.some(grave)) return false;
  const isOf = (words: readonly string[]): boolean => words.some((word) => ofSource.has(word));
  if (name.some((word) => handedOut.has(word))) return false;
  if (name.includes(stem('push')))
    return (
      isOf([...name, ...described]) && ![...name, ...described].some((word) => told.has(word) || handedOut.has(word))
    );
  // "create_pull_request_comment": what is said of it is none.
  if (name.some((word) => proposes.has(word)) && name.includes(request))
    return name.some((word) => hands.has(word)) && name.at(-1) === request;
  return name.some((word) => inSource.has(word)) && isOf(name);
}

/** Families of the verb first; the object makes it more precise: money that is sent is paid. */
const ofVerb: ReadonlyMap<string, readonly Family[]> = (
  [
    [
      'message',
      'send email mail message reply answer forward notify inform tell text dm ping announce broadcast call respond contact',
    ],
    ['pay', 'pay transfer wire remit deposit withdraw donate fund settle charge tip reimburse'],
    ['purchase', 'buy purchase order rebuy reorder checkout sell trade exchange swap'],
    ['book', 'book reserve plan arrange schedule reschedule invite rsvp accept decline'],
    [
      'delete',
      'delete remove clear erase drop discard empty trash purge wipe destroy uninstall kill terminate rm rmdir',
    ],
    ['cancel', 'cancel refund revoke undo void unsubscribe stop abort return'],
    [
      'change',
      'update change edit modify set reset replace adjust patch append insert add save write store put commit mark toggle enable disable merge assign close lock unlock reschedule archive resolve solve complete finish activate deactivate engage release chmod chown turn transition scale upgrade downgrade pause resume freeze unfreeze suspend label arm disarm dim snooze',
    ],
    ['move', 'move rename archive mv'],
    [
      'execute',
      'run rerun retry execute exec eval deploy redeploy launch restart reboot install trigger invoke dispatch start',
    ],
    ['grant', 'grant share allow authorize authorise permit elevate promote invite'],
    ['publish', 'publish post comment tweet retweet repost upload push release review rate vote announce advertise'],
    ['submit', 'submit fill input register enroll apply sign type enter press click select tick'],
    ['save', 'write create save put store overwrite append add log record note commit'],
  ] as const
)
  .flatMap(([family, verbs]) => verbs.split(' ').map((verb) => [stem(verb), family] as const))
  .reduce((table, [verb, family]) => {
    const before = table.get(verb) ?? [];
    return table.set(verb, [...before, family]);
  }, new Map<string, readonly Family[]>());

export function familiesOf(tool: ToolDefinition): readonly Family[] {
  const name = wordsOfName(tool.name).map(stem);
  const described = wordsOfName(openingOf(tool.description ?? '').slice(0, 200)).map(stem);
  const opening = described.slice(0, 1);
  const fromName = madeDeed(name) ?? familiesOfWords(name);
  const fromVerb = fromName.length > 0 ? fromName : familiesOfWords(opening);
  const first = fromName.length > 0 ? [] : described.slice(0, 8);
  const nouns = [...new Set([...name, ...first].flatMap((word) => familyOfNoun.get(word) ?? []))];
  const guarded = nouns.filter((family) => guardedFamilies.has(family));
  // "send money" is no message, "update password" is more than a change; "delete event" deletes.
  if (
    guarded.includes('pay') &&
    (name.some((word) => adds.has(word)) ||
      !fromVerb.some((family) => family === 'cancel' || family === 'delete' || family === 'change'))
  )
    return ['pay'];
  if (guarded.includes('password')) return ['password'];
  if (isKeyLetIn(name)) return ['grant'];
  if (name.includes(stem('push')) && name.some((word) => handedOut.has(word))) return ['publish'];
  if (keepsSource(name, described.slice(0, 12)))
    return [...fromVerb.filter((family) => family !== 'purchase'), 'change', 'save'];
  // Who cancels a meeting deletes it from the calendar.
  if (fromVerb.includes('delete') && nouns.includes('book')) return ['cancel', 'delete'];
  const precise = letsIn(name) ? [] : fromVerb.filter((family) => family !== 'save' && family !== 'grant');
  if (nouns.length > 0 && precise.length === 0) return nouns;
  return [
    ...new Set([
      ...fromVerb,
      ...nouns.filter(
        (family) =>
          !guardedFamilies.has(family) &&
          !precise.includes('delete') &&
          !precise.includes('cancel') &&
          // To publish a note is no keeping of notes.
          !(family === 'save' && precise.includes('publish')),
      ),
    ]),
  ];
}

const makes = new Set(['create', 'add', 'make', 'new', 'issue'].map(stem));
/** Things as well, that are kept, numbered or put away. */
const onlyThings = new Set(
  'contact rate archive record store index log note set label type block draft select text plan mark report input start turn'
    .split(' ')
    .map(stem),
);

/** "create_refund" refunds: what is made is the deed. */
function madeDeed(name: readonly string[]): readonly Family[] | undefined {
  const last = name.at(-1) ?? '';
  const verb = name.find((word) => ofVerb.has(word) || readVerbs.has(word));
  if (verb === undefined || verb === last || !makes.has(verb) || onlyThings.has(last)) return undefined;
  return ofVerb.get(last);
}

/** "orders.refund" refunds: a word that is a noun as often as a verb gives way to one that is a verb alone. */
export function familiesOfWords(words: readonly string[]): readonly Family[] {
  const verb = words.findIndex((word) => ofVerb.has(word) || readVerbs.has(word));
  const found = words[verb] ?? '';
  if (nounsToo.has(found)) {
    const plainer = words.slice(verb + 1).find((word) => ofVerb.has(word) && !nounsToo.has(word));
    if (plainer !== undefined) return ofVerb.get(plainer) ?? [];
  }
  return ofVerb.get(found) ?? [];
}

/** Of the words of a text, already folded. */
export function familiesIn(words: Iterable<string>): readonly Family[] {
  const said = new Set(words);
  return all.filter(([, known]) => [...known].some((word) => said.has(word))).map(([family]) => family);
}

const money = /[$€£¥₹]\s?\d|\d\s?(?:usd|eur|gbp|chf|euros?|dollars?|pounds?)\b|\b(?:money|iban|bank account)\b/i;
const account = /\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b/;
const givesBack = /\b(?:refund|reimburse|repay)|\b(?:send|give|pay|return)\b[^.!?\n]{0,60}\b(?:back|difference)\b/i;
const gives = new Set(['send', 'give', 'refund', 'return', 'move', 'make'].map(stem));

/** What is posted in a channel is a message. */
const posts = new Set(['post', 'put', 'drop', 'publish'].map(stem));
const chatted = /\b(?:in|into|to|on)\b[^.!?\n]{0,40}\b(?:channels?|chats?|slack|dms?)\b/i;

/** Words of a deed that name none: "close to the limit", "the end of the month"; told to the user alone; done by others, and long ago. */
const saysNothing = [
  /\b(?:close(?:r|st)? (?:to|by|enough|friends?|family)|(?:the |at the |by the )?end of|in order to|(?:out|in) (?:of )?order|of course|note that|make sure|sort of|kind of|set of|share of|on call|last call|in charge|exchange rates?|(?:stock|currency|crypto|e?-?mails?|message|letter|chat) exchanges?|on the exchange|open (?:issues?|tickets?|tasks?|orders?|positions?|pull requests?|prs?|questions?|invoices?))\b/gi,
  /\b(?:(?:tell|show|explain to) (?:me|us)|let (?:me|us) know)\b/gi,
  /\b(?:return(?:ing|s)?|get(?:ting)?) (?:(?:me|us|only|just) )*(?:(?:the|an?|all|your|my|its|their|every|each) )?(?:[\w-]+ )?(?:lists?|results?|answers?|outputs?|numbers?|names?|tables?|json|values?|summar(?:y|ies)|totals?|counts?|data|details|info(?:rmation)?|links?|urls?|ids?|status|reviews?|weather|history|balances?|overview|news|mails|e?-?mails|messages|addresses|contents?|text|reports?|rates)\b/gi,
  /\b(?:what|(?<!\b(?:get|want|need|have|like|see) )that|which|who)(?: (?!(?:is|are|be|been|being|was|were|gets?|got|has|have|had)\b)[\w.@'’-]{1,80}){0,3} (?:wrote|said|sent|asked|told|mailed|emailed|posted|messaged)\b/gi,
];

/** An order that was placed is a thing: "of order #A11", "my last orders"; not "place the order", "order two". */
const placedOrder =
  /(?<!\b(?:plac|mak|submit|complet|confirm|finish|finaliz|finalis|repeat|send|start|put|do|check|creat|redo|add)\p{L}{0,6}\s(?:in |out )?)\b(?:my|the|this|that|these|those|his|her|their|our|all|of|from|in|for|on|with)\s(?:(?:last|latest|newest|recent|previous|delivered|pending|open|old|whole|entire)\s)?orders?\b|\borders? (?:#|(?:number|id|no\.?|nr\.?)\b|status\b|history\b)/giu;

/** Said in several words, none of which says it alone. */
const idioms: readonly (readonly [RegExp, Family])[] = [
  [
    /\btop(?:ping)?[ -]up\b|\btop(?:ping)? (?:(?:my|the|our|his|her|their|this|that) (?:[\w-]+ ){1,4}|it |them )up\b/i,
    'pay',
  ],
  [/\bcall(?:ing)?\b[^.!?\n]{0,40}\boff\b|\bpull(?:ing)? the plug\b|\bback(?:ing)? (?:out|off)\b/i, 'cancel'],
  [
    /\btak(?:e|ing)\b[^.!?\n]{0,60}\boff (?:of )?(?:the|my|our|his|her|their|its|this|that) (?:[\w-]+ ){0,2}(?:[a-z]*list|cart|basket|team|board|roster|menu|schedule|channel|group|calendar|books)\b(?! [\w-]*view)/i,
    'delete',
  ],
  [
    /\breach(?:ing)? out\b|\b(?:get|getting|be|keep) in touch\b|\btouch base\b|\bdrop\b[^.!?\n]{0,30}\b(?:line|note)\b/i,
    'message',
  ],
  [/\bcontact(?:ing)? (?:[\w-]+ ){0,3}(?:support|service|desk|team|office|seller|host|owner|manager)\b/i, 'message'],
  [
    /\b(?:on|to|via|with) (?:[\w-]+ ){0,2}(?:social media|twitter|facebook|instagram|linkedin|mastodon|bluesky|followers)\b/i,
    'publish',
  ],
  [
    /\b(?:(?:get|put|bring|set)(?:ting)? (?:it|them|this|that|these|those|(?:the|my|our|your|a|an)(?: (?!that\b|which\b|who\b|we\b|i\b|you\b)[\w'’-]+){1,6}) (?:online|live)|go(?:es|ing)? live)\b(?= *(?:$|[.,;:!?)"\n]|and (?!look|search|find|see|check|read|compare|browse)|then |now|today|tomorrow|tonight|on \w|by |before |as soon))/i,
    'publish',
  ],
  [/\b(?:get|put|bring|set)(?:ting)?\b[^.!?\n]{0,60}\bon our (?:page|site|website)\b/i, 'publish'],
  [/\b(?:write|put)\b[^.!?\n]{0,120}\b(?:to|on|onto) my (?:page|site|web ?site|blog)\b/i, 'publish'],
  [
    /\bleave (?:her|him|them) (?:(?:a|an|my|our|some|this|that|these|the) (?!(?:list|folder|box|way|place|state|end|top|side|same|rest|inbox|archive)\b)|word\b|feedback\b|know\b)/i,
    'message',
  ],
  [/\broll(?:ing)? (?:\w+ ){0,2}back\b/i, 'change'],
  [
    /\b(?:add|register|upload|install|authori[sz]e|put)(?:ing)?\b[^.!?\n]{0,40}\b(?:ssh|gpg|public|deploy) keys?\b/i,
    'grant',
  ],
  [/\bturn\b[^.!?\n]{0,60}\binto\b/i, 'save'],
  [
    /\bnew (?:page|file|doc|document|list|table|database|note|issue|ticket|task|event|branch|folder|sheet|project|contact|deal)\b/i,
    'save',
  ],
  [/\bcheck(?:ing)?\b[^.!?\n]{0,30}\boff\b/i, 'change'],
  [
    /\b(?:(?:initiat|activat|ignit)(?:e|ing)|fir(?:e|ing)(?: up)?) (?:the|my|our|its|that|this) (?:[\w-]+ )?(?:engine|motor|server|service|job|pipeline|workflow)\b(?= *(?:$|[.,;:!?)\n]|and |then |now|so |for |at |on |in |with ))/i,
    'execute',
  ],
];

/** Without the words of a deed that name none. */
export const meantIn = (request: string): string =>
  [...saysNothing, placedOrder].reduce((text, pattern) => text.replaceAll(pattern, ' '), request);

/** "Send 20 euros to" asks to pay, though each of its words alone asks for something else. */
export function familiesAsked(request: string, words: readonly string[]): readonly Family[] {
  const { families, misread } = spokenFamilies(request);
  const strange = new Set(misread.map(stem));
  const meant = new Set(partsOf(meantIn(request)).map(stem));
  const said = new Set([...familiesIn(words.filter((word) => meant.has(word) && !strange.has(word))), ...families]);
  const has = (some: ReadonlySet<string>): boolean => words.some((word) => some.has(word));
  if ((money.test(request) && has(gives)) || (account.test(request) && givesBack.test(request))) said.add('pay');
  if (has(posts) && chatted.test(request)) said.add('message');
  for (const [idiom, family] of idioms) if (idiom.test(request)) said.add(family);
  return [...said];
}

/** R6: every guarded family of the tool must be asked for by the user; of the others one, which a named person may widen. */
export function isRelevant(tool: readonly Family[], asked: readonly Family[], widened: readonly Family[]): boolean {
  const guarded = tool.filter((family) => guardedFamilies.has(family));
  const open = tool.filter((family) => !guardedFamilies.has(family));
  // Where a tool is guarded in part, nobody but the user asks for any of it: a named person's "cancel" deletes nothing.
  const wanted = (family: Family): boolean =>
    asked.includes(family) || (guarded.length === 0 && widened.includes(family));
  if (open.length > 0) return open.some(wanted) || guarded.some(wanted);
  return guarded.length > 0 && guarded.every(wanted);
}
