/**
 * The fields of an output, kept apart from its free text. Three shapes: JSON, the literals that Python prints, and the
 * `key: value` lines of YAML. Linear, without recursion into what a value says: a field holds text, and text that looks like
 * fields is text. Cut-off input gives the fields up to the cut.
 */

import { parseLines } from './lines.ts';
import { parseLiteral } from './literal.ts';

export interface Field {
  readonly key: string;
  readonly value: string;
}

export interface Rec {
  readonly fields: readonly Field[];
}

export interface Structure {
  readonly records: readonly Rec[];
  /** What belongs to no field. */
  readonly prose: string;
}

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
    const value = parseLiteral(text);
    if (value !== undefined) return { records: recordsOf(value), prose: '' };
    return { records: [], prose: text };
  }
  if (first === '<') return { records: [], prose: text };
  return parseLines(text) ?? { records: scalarRecord(text), prose: text };
}

/** An output that is one short word or number is a field by itself. */
const scalarRecord = (text: string): readonly Rec[] =>
  text.length <= 64 && /^\S+$/.test(text) ? [{ fields: [{ key: '', value: text }] }] : [];

/** Every object is a record; what it holds directly are its fields, also through lists. */
function recordsOf(root: unknown): readonly Rec[] {
  const records: Rec[] = [];
  const stack: unknown[] = [root];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (Array.isArray(value)) {
      const loose = value.filter((item) => typeof item !== 'object').map((item) => ({ key: '', value: String(item) }));
      if (loose.length > 0) records.push({ fields: loose });
      for (const item of value) if (typeof item === 'object' && item !== null) stack.push(item);
      continue;
    }
    if (typeof value !== 'object' || value === null) {
      records.push({ fields: [{ key: '', value: String(value) }] });
      continue;
    }
    records.push({ fields: fieldsOf(value as Readonly<Record<string, unknown>>, stack) }); // any object can be read by key
  }
  return records;
}

function fieldsOf(value: Readonly<Record<string, unknown>>, stack: unknown[]): readonly Field[] {
  const fields: Field[] = [];
  for (const [key, held] of Object.entries(value)) {
    // A map from names to things: the names are data.
    if (typeof held === 'object' && held !== null && !Array.isArray(held) && /[\s\d]/.test(key)) {
      fields.push({ key: 'name', value: key });
    }
    if (Array.isArray(held)) {
      for (const item of held) {
        if (typeof item === 'object' && item !== null) stack.push(item);
        else if (item !== null) fields.push({ key, value: String(item) });
      }
    } else if (typeof held === 'object' && held !== null) stack.push(held);
    else if (held !== null) fields.push({ key, value: String(held) });
  }
  return fields;
}
