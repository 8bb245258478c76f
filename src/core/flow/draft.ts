/** What one output adds, as it is gathered: fields, the messages of named persons, and prose, each under its own keys. */
import type { Origin } from './facts.ts';
import { stem } from './language/stem.ts';
import { referencesOf, titleKey } from './named-record.ts';
import { namesIn } from './open-flow.ts';
import { partsOf, type ScanLimits, scan } from './scan.ts';
import type { Rec } from './shape/fields.ts';
import { isHost, siteOf } from './site.ts';
import { exactKey, type FlowDelta, looseKey, type Mark, nameKey, siteKey, type TaskFlow } from './task-flow.ts';
import { familiesIn } from './tool/family.ts';

/** Of one output: what lies beyond counts as prose. */
const limits: ScanLimits = { letters: 200_000, words: 6000, values: 320 };
export const mostFields = 360;

/** What one output has added so far. */
export interface Draft {
  readonly flow: TaskFlow;
  readonly call: number;
  /** What it says was chosen by prose. */
  readonly tainted: boolean;
  readonly values: Map<string, Mark>;
  readonly known: Set<number>;
  readonly prose: Set<number>;
  readonly addresses: Map<string, FlowDelta['addresses'][number]>;
  readonly named: (readonly string[])[];
  readonly widened: (readonly [FlowDelta['widened'][number][0], string])[];
  /** What stood in prose so far: records of a kind repeat each other. */
  readonly heard: Set<string>;
  fields: number;
  scanned: number;
  overflow: boolean;
  crowded: boolean;
}

export function emptyDraft(flow: TaskFlow, tainted: boolean): Draft {
  return {
    flow,
    call: flow.calls + 1,
    tainted,
    values: new Map(),
    known: new Set(),
    prose: new Set(),
    addresses: new Map(),
    named: [],
    widened: [],
    heard: new Set(),
    fields: 0,
    scanned: 0,
    overflow: false,
    crowded: false,
  };
}

export function mark(draft: Draft, key: string, origin: Origin, person?: string): void {
  if (draft.values.has(key)) return;
  draft.values.set(key, person === undefined ? [key, origin, draft.call] : [key, origin, draft.call, person]);
}

export function noteRecord(draft: Draft, record: Rec, person: string | undefined): void {
  for (const { key, value } of record.fields) {
    const short = isField(value);
    const said = (!short || (bodies.test(key) && /\s/.test(value.trim()))) && draft.named.length < mostNamed;
    const author = said && !draft.tainted ? person : undefined;
    if (author !== undefined) noteMessage(draft, value, author);
    if (short) noteField(draft, value, written.test(key));
    else if (author === undefined) noteProse(draft, value);
  }
}

/** What a record that the user named says of itself in short fields; what it refers to is named with it. */
export function noteNamed(draft: Draft, record: Rec): void {
  const { hash } = draft.flow;
  for (const { key, value } of record.fields.slice(0, mostFields))
    if (!freeText.test(key) && isField(value)) mark(draft, exactKey(hash, value), 'file');
  for (const reference of referencesOf(record)) mark(draft, titleKey(hash, reference), 'file');
}

/** What somebody says himself; a subject may be that of whom he answers. */
const bodies = /^(?:body|text|content|message)$/i;
const mostNamed = 200;
/** Written by anybody, also in a record that the user named. */
const freeText =
  /desc|body|content|text|message|comment|note|subject|title|summary|location|bio|about|reason|memo|reference|label|display/i;
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

/** What people write freely, however short: its words are as much theirs as those of a long one. */
const written = /^(?:body|text|content|message|comment|review|reply|snippet|preview|excerpt)$/i;

function noteField(draft: Draft, value: string, free: boolean): void {
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
    if ((!free || one) && value.split(/\s+/, 8).length <= 6)
      for (const part of partsOf(value)) draft.known.add(word(stem(part)));
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

export function noteProse(draft: Draft, text: string): void {
  if (text === '') return;
  const { hash, word } = draft.flow;
  const found = scanned(draft, text, draft.heard);
  for (const value of found.values) mark(draft, looseKey(hash, value), 'prose');
  for (const said of found.words) {
    const key = word(said);
    if (!draft.flow.words.prose.has(key)) draft.prose.add(key);
  }
}

/** The caps hold for the output, not for each piece of it. */
function scanned(draft: Draft, text: string, seen?: Set<string>): ReturnType<typeof scan> {
  const left = (limit: number, used: number): number => Math.max(0, limit - used);
  const most = {
    letters: left(limits.letters, draft.scanned),
    words: left(limits.words, draft.prose.size + draft.known.size),
    values: left(limits.values, draft.values.size - draft.fields),
  };
  const found = scan(text, most, seen);
  draft.scanned += text.length;
  draft.overflow ||= found.overflow;
  return found;
}

function siteIn(value: string): string | undefined {
  const host = value.replace(/^https?:\/\//i, '').split(/[/?#:]/, 1)[0] ?? '';
  return isHost(host) || /^https?:\/\//i.test(value) ? siteOf(value) : undefined;
}
