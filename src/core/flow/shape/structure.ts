/**
 * The fields of an output, kept apart from its free text. Its shapes: JSON, the literals that Python prints, the `key: value`
 * lines of YAML, tables printed as text, and lists printed for people. Linear, without recursion into what a value says: a field holds text, and text that looks like
 * fields is text. Cut-off input gives the fields up to the cut.
 */

import { csvOf } from './csv.ts';
import type { Field, Rec, Structure } from './fields.ts';
import { parseLines } from './lines.ts';
import { listingOf } from './listing.ts';
import { parseLiteral } from './literal.ts';
import { tableOf } from './table.ts';

/** Beyond this, fields are not told apart from prose: reading them would cost more than a call may. */
const longest = 49_152;

/** Marks that a wrapper puts around data: delimiters, a code fence, the bar of a table. */
const opening = /^(?:\s|<{2,}|```[a-z]*\n|\|)+/;
const closing = new Set([' ', '\n', '\r', '\t', '>', '`', '|']);

function unwrapped(output: string): string {
  const text = output.replace(opening, '');
  if (text.length === output.length) return text;
  let end = text.length;
  while (end > 0 && closing.has(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

export function structureOf(output: string): Structure {
  const text = unwrapped(output);
  const first = text.charAt(0);
  if (first === '{' || first === '[') {
    const literal = parseLiteral(text, { letters: longest, values: mostFields });
    if (literal === undefined) return { records: [], prose: text };
    const records = recordsOf(literal.value);
    const isFull = countOf(records) >= mostFields;
    // What of it became no field is somewhere in the text.
    return { records, prose: isFull ? text : text.slice(longest), cut: literal.cut || isFull };
  }
  if (first === '<') return { records: [], prose: text };
  const head = text.slice(0, longest);
  const rest = text.slice(longest);
  const listed = listingOf(head);
  if (listed !== undefined) return { records: listed, prose: text };
  const lines = parseLines(head, mostFields);
  if (lines !== undefined) return { ...lines, prose: lines.prose + rest, cut: lines.cut === true || rest !== '' };
  const table = csvOf(head) ?? tableOf(head);
  if (table !== undefined) return { records: table, prose: rest, cut: rest !== '' };
  return { records: scalarRecord(text), prose: text };
}

/** An output that is one short word or number is a field by itself. */
const scalarRecord = (text: string): readonly Rec[] =>
  text.length <= 64 && /^\S+$/.test(text) ? [{ fields: [{ key: '', value: text }] }] : [];

const countOf = (records: readonly Rec[]): number => records.reduce((sum, { fields }) => sum + fields.length, 0);

/** More fields of one output are not told apart from prose. */
const mostFields = 600;

interface Held {
  readonly value: unknown;
  readonly within?: Rec;
}

/** Every object is a record; what it holds directly are its fields, also through lists. In the order in which they stand. */
function recordsOf(root: unknown): readonly Rec[] {
  const records: Rec[] = [];
  const queue: Held[] = [{ value: root }];
  let left = mostFields;
  for (const { value, within } of queue) {
    const fields: Field[] = [];
    const record: Rec = { fields, ...(within && { within }) };
    gather(record, fields, value, queue);
    if (fields.length > 0) records.push(record);
    left -= fields.length;
    if (left <= 0) break;
  }
  return records;
}

function gather(record: Rec, fields: Field[], value: unknown, queue: Held[]): void {
  if (Array.isArray(value)) {
    for (const item of value) hold({ value: item }, '', queue, fields);
    return;
  }
  if (typeof value !== 'object' || value === null) {
    hold({ value }, '', queue, fields);
    return;
  }
  for (const [name, held] of Object.entries(value)) {
    // A map from names to things: the names are data.
    if (/[\s\d@/:]/.test(name)) fields.push({ key: '', value: name });
    if (Array.isArray(held)) for (const item of held) hold({ value: item }, name, queue, fields);
    else hold({ value: held, within: record }, name, queue, fields);
  }
}

function hold(held: Held, key: string, queue: Held[], fields: Field[]): void {
  const { value } = held;
  if (typeof value === 'object' && value !== null) queue.push(held);
  else if (typeof value === 'string') fields.push({ key, value });
  else if (typeof value === 'number' || typeof value === 'boolean') fields.push({ key, value: String(value) });
}
