/** What an output adds to the memory of a task. Linear, and capped: what lies beyond a cap counts as prose. */
import { type FlowCall, valuesOf } from './call.ts';
import type { Origin } from './facts.ts';
import { familiesIn } from './family.ts';
import { bearerOf, namesIn } from './open-flow.ts';
import { isSteered, originOfPath } from './origin.ts';
import { isFileName, isPathLike, pathForm } from './path-form.ts';
import { partsOf, type ScanLimits, scan } from './scan.ts';
import { isEmail, isHost, siteOf } from './site.ts';
import { stem, wordsOfName } from './stem.ts';
import { type Rec, type Structure, structureOf } from './structure.ts';
import {
  applyDelta,
  exactKey,
  type FlowDelta,
  looseKey,
  type Mark,
  nameKey,
  pathKey,
  personAt,
  siteKey,
  type TaskFlow,
} from './task-flow.ts';

/** Of one output. */
export const observedLimits: ScanLimits = { letters: 200_000, words: 6000, values: 700 };
const mostFields = 900;

/** What one output has added so far. */
interface Draft {
  readonly flow: TaskFlow;
  readonly call: number;
  readonly tainted: boolean;
  readonly values: Map<string, Mark>;
  readonly known: Set<number>;
  readonly prose: Set<number>;
  readonly addresses: Map<string, FlowDelta['addresses'][number]>;
  readonly named: (readonly string[])[];
  readonly widened: (readonly [FlowDelta['widened'][number][0], string])[];
  fields: number;
  scanned: number;
  overflow: boolean;
}

export function observe(flow: TaskFlow, call: FlowCall, output: string): FlowDelta {
  const draft: Draft = {
    flow,
    call: flow.calls + 1,
    tainted: isTainted(flow, call),
    values: new Map(),
    known: new Set(),
    prose: new Set(),
    addresses: new Map(),
    named: [],
    widened: [],
    fields: 0,
    scanned: 0,
    overflow: false,
  };
  const structure = read(draft, output);
  notePaths(draft, call, output);
  if (isNamedFile(flow, call)) noteLabelled(draft, output);
  const { records } = structure;
  const own = ownAddress(call, records);
  if (own !== undefined && !draft.tainted) mark(draft, exactKey(flow.hash, own), 'own');
  // Every author first: a name that two addresses bear is nobody's, in whatever order they stand.
  for (const record of records)
    for (const { value } of record.fields) if (!draft.tainted && isEmail(value)) meet(draft, value);
  const known = withAddresses(flow, draft);
  for (const record of records) noteRecord(draft, record, authorOf(known, record));
  noteProse(draft, structure.prose);
  const delta: FlowDelta = {
    calls: draft.call,
    values: [...draft.values.values()],
    words: { request: [], known: [...draft.known], prose: [...draft.prose] },
    named: draft.named,
    addresses: [...draft.addresses.values()],
    families: [],
    widened: draft.widened,
    verbs: [],
    labels: output === '' ? [] : call.profile.labels.filter((label) => !flow.labels.has(label)),
    overflow: draft.overflow,
  };
  applyDelta(flow, delta);
  return delta;
}

function read(draft: Draft, output: string): Structure {
  if (output.length <= observedLimits.letters) return structureOf(output);
  draft.overflow = true;
  return structureOf(output.slice(0, observedLimits.letters));
}

/** Only what looks can be steered; what acts was judged by its own rules. */
const isTainted = (flow: TaskFlow, call: FlowCall): boolean =>
  (call.profile.tier === 'read' || call.profile.tier === 'fetch') &&
  valuesOf(call).values.some(
    ({ role, text, argument }) =>
      role !== 'url' && role !== 'secret' && !/path|dir|folder|file$/i.test(argument) && isSteered(flow, text),
  );

function mark(draft: Draft, key: string, origin: Origin, person?: string): void {
  if (draft.values.has(key)) return;
  draft.values.set(key, person === undefined ? [key, origin, draft.call] : [key, origin, draft.call, person]);
}

const mostAddresses = 200;

function meet(draft: Draft, address: string): void {
  if (draft.addresses.has(address) || draft.addresses.size >= mostAddresses) return;
  draft.addresses.set(address, bearerOf(draft.flow.hash, address, address.slice(0, address.lastIndexOf('@')), false));
}

/** The memory as it will be once this output's addresses are in it. */
function withAddresses(flow: TaskFlow, draft: Draft): TaskFlow {
  if (draft.addresses.size === 0) return flow;
  const bearers = new Map(Array.from(flow.bearers, ([word, known]) => [word, new Map(known)] as const));
  for (const [address, words, vouched] of draft.addresses.values()) {
    for (const word of words) {
      const known = bearers.get(word) ?? new Map<string, boolean>();
      bearers.set(word, known.set(address, vouched || known.get(address) === true));
    }
  }
  return { ...flow, bearers };
}

const authorKeys = new Set([
  'sender',
  'from',
  'author',
  'from_address',
  'sender_email',
  'from_email',
  'author_email',
  'created_by',
  'organizer',
]);
const recipientKeys = new Set(['recipients', 'recipient', 'to']);

/** The person whom the user named and whose one address is the author of this record; a display name proves nothing. */
function authorOf(flow: TaskFlow, record: Rec): string | undefined {
  const authors = record.fields.filter(({ key }) => authorKeys.has(wordsOfName(key).join('_')));
  const [only] = authors;
  if (only === undefined || authors.length !== 1 || !isEmail(only.value)) return undefined;
  return personAt(flow, exactKey(flow.hash, only.value));
}

/**
 * Whose mailbox it is: the one address to which every message of a whole mailbox went. Only for a read without arguments, which
 * no text has steered, and with two authors at least.
 */
function ownAddress(call: FlowCall, records: readonly Rec[]): string | undefined {
  if (call.profile.tier !== 'read' || Object.keys(call.args).length > 0) return undefined;
  const authors = new Set<string>();
  let common: ReadonlySet<string> | undefined;
  for (const { fields } of records) {
    const author = fields.find(({ key }) => authorKeys.has(key.toLowerCase()))?.value;
    if (author === undefined) continue;
    authors.add(author);
    const to = new Set(
      fields
        .filter(({ key, value }) => recipientKeys.has(key.toLowerCase()) && isEmail(value))
        .map(({ value }) => value),
    );
    common = common === undefined ? to : new Set([...common].filter((address) => to.has(address)));
  }
  return authors.size >= 2 && common?.size === 1 ? [...common][0] : undefined;
}

function noteRecord(draft: Draft, record: Rec, person: string | undefined): void {
  for (const { value } of record.fields) {
    if (isField(value)) noteField(draft, value);
    else if (person !== undefined && !draft.tainted) noteMessage(draft, value, person);
    else noteProse(draft, value);
  }
}

const mostFieldWords = 14;

/** Short and on one line, and no sentence that tells somebody to do something. */
function isField(value: string): boolean {
  return (
    value.length <= 120 &&
    !value.includes('\n') &&
    value.split(/\s+/, mostFieldWords + 1).length <= mostFieldWords &&
    !/[.!?]\s+\p{Lu}/u.test(value)
  );
}

function noteField(draft: Draft, value: string): void {
  const { hash, word } = draft.flow;
  if (value.trim() === '') return;
  if (draft.fields >= mostFields) {
    draft.overflow = true;
    return;
  }
  draft.fields += 1;
  const one = !/\s/.test(value.trim());
  if (draft.tainted) {
    mark(draft, looseKey(hash, value), 'tainted');
  } else {
    mark(draft, exactKey(hash, value), 'field');
    if (value.split(/\s+/, 8).length <= 6) for (const part of partsOf(value)) draft.known.add(word(stem(part)));
  }
  if (!one || draft.tainted) noteProse(draft, value);
}

function noteMessage(draft: Draft, text: string, person: string): void {
  const { hash, word } = draft.flow;
  const found = scanned(draft, text);
  for (const value of found.values) {
    mark(draft, exactKey(hash, value), 'person', person);
    const site = siteIn(value);
    if (site !== undefined) mark(draft, siteKey(hash, site), 'person', person);
  }
  for (const said of found.words) draft.known.add(word(said));
  // Whom a named person names in full is named too; one word of a name is not enough, for everybody writes those.
  for (const name of namesIn(text.slice(0, 4000)))
    if (name.length > 1) draft.named.push(name.map((part) => nameKey(hash, part)));
  for (const family of familiesIn(found.words)) draft.widened.push([family, person]);
}

function noteProse(draft: Draft, text: string): void {
  if (text === '') return;
  const { hash, word } = draft.flow;
  const found = scanned(draft, text);
  for (const value of found.values) mark(draft, looseKey(hash, value), 'prose');
  for (const said of found.words) {
    const key = word(said);
    if (!draft.flow.words.prose.has(key)) draft.prose.add(key);
  }
}

/** The caps hold for the output, not for each piece of it. */
function scanned(draft: Draft, text: string): ReturnType<typeof scan> {
  const left = (limit: number, used: number): number => Math.max(0, limit - used);
  const found = scan(text, {
    letters: left(observedLimits.letters, draft.scanned),
    words: left(observedLimits.words, draft.prose.size + draft.known.size),
    values: left(observedLimits.values, draft.values.size - draft.fields),
  });
  draft.scanned += text.length;
  draft.overflow ||= found.overflow;
  return found;
}

function siteIn(value: string): string | undefined {
  const host = value.replace(/^https?:\/\//i, '').split(/[/?#:]/, 1)[0] ?? '';
  return isHost(host) || /^https?:\/\//i.test(value) ? siteOf(value) : undefined;
}

/** What a call that succeeded made: where it wrote, and the file that it says it put there. */
function notePaths(draft: Draft, call: FlowCall, output: string): void {
  if (call.profile.tier === 'read' || call.profile.tier === 'code' || output === '') return;
  const { hash } = draft.flow;
  for (const { name, fallback } of call.profile.arguments) {
    const given = call.args[name] ?? fallback;
    const folder =
      typeof given === 'string' && (isPathLike(given) || /(?:path|dir|directory|folder|file|filename)$/i.test(name))
        ? pathForm(given)
        : undefined;
    if (folder === undefined || folder === '/') continue;
    if (/^(?:source|src|from|old)/i.test(name)) continue;
    const makes = /path|file/i.test(name) && call.profile.tier === 'write';
    if (makes) mark(draft, pathKey(hash, folder), 'own');
    for (const [raw] of [...output.slice(0, 300).matchAll(/[^\s'"`<>,;()|]+/g)].slice(0, 40)) {
      const file = raw.replace(/^\W+|[.:]+$/g, '');
      if (isFileName(file)) mark(draft, pathKey(hash, `${folder}/${file}`), 'own');
    }
  }
}

function isNamedFile(flow: TaskFlow, call: FlowCall): boolean {
  if (call.profile.tier !== 'read') return false;
  return Object.values(call.args).some(
    (value) => typeof value === 'string' && isPathLike(value) && originOfPath(flow, value).origin === 'request',
  );
}

const labelled = /(?<![\p{L}\p{N}])\p{L}[\p{L}\p{N} _-]{0,40}: {1,2}([^\s,;|]{2,200})/gu;

/** `label: value` in a file that the user named. The value is the next word alone: what comes after it may be anything. */
function noteLabelled(draft: Draft, output: string): void {
  const found = [...output.slice(0, 65_536).matchAll(labelled)].slice(0, 400);
  for (const [, value = ''] of found) mark(draft, exactKey(draft.flow.hash, value.replace(/[.,]+$/, '')), 'file');
}
