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

const book = /\b(?:contacts?|address ?books?|phone ?books?)\b/;
const called = /^(?:full_?)?name$/i;
const reachedBy = /phone|mobile|e-?mail/i;
const number = /^\+?[\d ()-]{7,20}$/;

/** `cut`: there is more of it, and so maybe a second one. */
export function noteContacts(draft: Draft, call: FlowCall, records: readonly Rec[], cut: boolean): void {
  const { flow } = draft;
  if (draft.tainted || call.profile.tier !== 'read' || !book.test(wordsOfName(call.profile.name).join(' '))) return;
  const people = [...flow.named.values()].filter((words) => words.length > 1).map((words) => [...words].sort());
  const held = new Map(people.map((words) => [personOf(words), [] as Rec[]]));
  for (const record of records) held.get(bearer(draft, record) ?? '')?.push(record);
  for (const [person, [only, ...others]] of held) {
    if (only === undefined) continue;
    const known = flow.hash(`b:${person}`);
    // Two who bear a name are nobody, also in two outputs.
    const isOnly = !cut && others.length === 0 && !flow.values.has(known);
    mark(draft, known, 'field');
    if (isOnly) for (const value of reached(only.fields)) mark(draft, exactKey(flow.hash, value), 'contact');
  }
}

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
