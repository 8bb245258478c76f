/**
 * Whom the user named in full, and whom the user's own address book holds once under that name: what is written there is how to reach
 * them. Of an address book alone, because there nobody calls himself what he likes, as the sender of a mail does.
 */
import type { FlowCall } from './call.ts';
import { type Draft, mark } from './draft.ts';
import { wordsOfName } from './language/stem.ts';
import { partsOf } from './scan.ts';
import type { Field, Rec } from './shape/fields.ts';
import { isEmail } from './site.ts';
import { exactKey, nameKey, personOf } from './task-flow.ts';

/** Only what the name says itself: what came in by a contact form, or is suggested, is nobody's own address book. */
const book = new Set(['contact', 'contacts', 'addressbook', 'phonebook']);
const books = /\b(?:address|phone) books?\b/g;
const asksBook = new Set(
  'get list search find lookup look up query read fetch show view retrieve detail details info information by name names id all my in from of phone mobile email number numbers address person people'.split(
    ' ',
  ),
);
const called = /^(?:full_?)?name$/i;
const reachedBy =
  /^(?:(?:work|home|office|private|primary|main|business|personal)[_ -]?)?(?:phone|mobile|cell|e-?mail)(?:[_ -]?(?:number|address|nr|no))?$/i;
/** Says that somebody or something else has put it there. */
const putThere =
  /(?:^|[_ -])(?:by|from|via|source|origin|creator|author|owner|suggested|shared|imported|collected|auto\w*|unverified|pending|external|untrusted)(?:$|[_ -])|(?:By|From|Via|Source|Suggested|Shared|Imported)$/;
const notSo = /^(?:false|no|none|null|me|user|self|manual(?:ly)?|)$/i;
const vouches = /^(?:is_?)?(?:verified|confirmed|trusted|accepted)$/i;
const number = /^\+?[\d ()-]{7,20}$/;

const isBook = (name: string): boolean => {
  const words = wordsOfName(name.replaceAll(/([a-z])([A-Z])/g, '$1 $2'))
    .join(' ')
    .replaceAll(books, 'contacts')
    .split(' ');
  return words.some((word) => book.has(word)) && words.every((word) => book.has(word) || asksBook.has(word));
};

/** `cut`: there is more of it, and so maybe a second one. */
export function noteContacts(draft: Draft, call: FlowCall, records: readonly Rec[], cut: boolean): void {
  const { flow } = draft;
  if (draft.tainted || call.profile.tier !== 'read' || !isBook(call.profile.name)) return;
  const people = [...flow.named.values()].filter((words) => words.length > 1).map((words) => [...words].sort());
  const held = new Map(people.map((words) => [personOf(words), [] as Rec[]]));
  for (const record of records) held.get(bearer(draft, record) ?? '')?.push(record);
  for (const [person, [only, ...others]] of held) {
    if (only === undefined) continue;
    const known = flow.hash(`b:${person}`);
    // Two who bear a name are nobody, also in two outputs.
    const isOnly = !cut && others.length === 0 && !flow.values.has(known);
    mark(draft, known, 'field');
    if (isOnly && isOwn(only))
      for (const value of reached(only.fields)) mark(draft, exactKey(flow.hash, value), 'contact');
  }
}

/** As the user keeps it: by itself, and by nobody else's hand. */
const isOwn = ({ fields, within }: Rec): boolean =>
  (within === undefined || within.fields.every(({ key }) => !called.test(key) && !reachedBy.test(key))) &&
  !fields.some(
    ({ key, value }) => (putThere.test(key) && !notSo.test(value)) || (vouches.test(key) && notSo.test(value)),
  );

function bearer({ flow }: Draft, { fields }: Rec): string | undefined {
  const [name, ...others] = fields.filter(({ key }) => called.test(key));
  if (name === undefined || others.length > 0) return undefined;
  return personOf(
    partsOf(name.value)
      .map((word) => nameKey(flow.hash, word))
      .sort(),
  );
}

/** One number and one address at most: of several, some may have been written by others. */
function reached(fields: readonly Field[]): readonly string[] {
  const given = fields.filter(({ key }) => reachedBy.test(key)).map(({ value }) => value.trim());
  return [given.filter(isEmail), given.filter((value) => number.test(value))].flatMap((some) =>
    some.length === 1 ? some : [],
  );
}
