/** Whose messages an output holds: their authors, and the one whose mailbox it is. */
import type { FlowCall } from './call.ts';
import type { Draft } from './draft.ts';
import { bearerOf } from './open-flow.ts';
import type { Rec } from './shape/fields.ts';
import { addressOf, isEmail } from './site.ts';
import { exactKey, type TaskFlow, uniqueAddress } from './task-flow.ts';

const mostAddresses = 80;
const longestText = 16_384;
const addressInText =
  /(?<![\p{L}\p{N}._%+-])[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63}){1,8}/gu;

/**
 * Every author first: a name that two addresses bear is nobody's, in whatever order they stand. `text`: of a source that the user named;
 * `cut`: there is more of it, and so maybe another who bears the name.
 */
export function meetAll(draft: Draft, records: readonly Rec[], text: string, cut: boolean): TaskFlow {
  const { flow } = draft;
  if (draft.tainted) return flow;
  // Of a longer one the address that makes two of them may lie beyond.
  const inText = text.length > longestText ? [] : Array.from(text.matchAll(addressInText), ([address]) => address);
  for (const given of [...records.flatMap(({ fields }) => fields.map(({ value }) => value)), ...inText]) {
    if (!given.includes('@')) continue;
    const value = addressOf(given);
    if (draft.addresses.has(value) || !isEmail(value)) continue;
    if (draft.addresses.size >= mostAddresses) {
      draft.crowded = true;
      return withAddresses(draft);
    }
    draft.addresses.set(value, bearerOf(flow.hash, value, value.slice(0, value.lastIndexOf('@')), false));
  }
  draft.crowded ||= cut && draft.addresses.size > 0;
  return withAddresses(draft);
}

/** The memory as it will be once this output's addresses are in it. */
function withAddresses({ flow, addresses, crowded }: Draft): TaskFlow {
  if (addresses.size === 0 || (flow.named.size === 0 && !crowded)) return flow;
  const bearers = new Map(Array.from(flow.bearers, ([word, known]) => [word, new Map(known)] as const));
  for (const [address, words, vouched] of addresses.values()) {
    for (const word of words) {
      const known = bearers.get(word) ?? new Map<string, boolean>();
      bearers.set(word, known.set(address, vouched || known.get(address) === true));
    }
  }
  return { ...flow, bearers, crowded: flow.crowded || crowded };
}

/** A key in small letters, without what joins its words. */
const plainKey = (key: string): string => key.toLowerCase().replaceAll(/[^a-z]/g, '');
const authorKeys = new Set(
  'sender from author fromaddress senderemail fromemail authoremail createdby organizer'.split(' '),
);
const recipientKeys = new Set(['recipients', 'recipient', 'to']);

/** Those whom the user named and who have one address, by that address. */
export function reachedPeople(flow: TaskFlow): ReadonlyMap<string, string> {
  const people = new Map<string, string>();
  for (const person of flow.named.keys()) {
    const address = uniqueAddress(flow, person);
    if (address !== undefined && !people.has(address)) people.set(address, person);
  }
  return people;
}

/** Which of them is the author of this record; a display name proves nothing. */
export function authorOf({ hash }: TaskFlow, people: ReadonlyMap<string, string>, { fields }: Rec): string | undefined {
  if (people.size === 0) return undefined;
  const authors = fields.filter(({ key }) => authorKeys.has(plainKey(key)));
  const [only] = authors;
  if (only === undefined || authors.length !== 1) return undefined;
  return people.get(exactKey(hash, addressOf(only.value)));
}

/**
 * Whose mailbox it is: the one address to which every message of a whole mailbox went. Only for a read without arguments, which
 * no text has steered, and with two authors at least.
 */
export function ownAddress(call: FlowCall, records: readonly Rec[]): string | undefined {
  if (call.profile.tier !== 'read' || Object.keys(call.args).length > 0) return undefined;
  const authors = new Set<string>();
  let common: ReadonlySet<string> | undefined;
  for (const { fields } of records) {
    const author = fields.find(({ key }) => authorKeys.has(plainKey(key)))?.value;
    if (author === undefined) continue;
    authors.add(author);
    const to = new Set(
      fields.filter(({ key, value }) => recipientKeys.has(plainKey(key)) && isEmail(value)).map(({ value }) => value),
    );
    common = common === undefined ? to : new Set([...common].filter((address) => to.has(address)));
    if (common.size === 0) return undefined;
  }
  return authors.size >= 2 && common?.size === 1 ? [...common][0] : undefined;
}
