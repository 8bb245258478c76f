/**
 * `key: value` lines, as YAML prints them, with `- ` before each record of a list. Strict where a planted text could forge a
 * field: what stands between quotes, in a block, deeper than its key or after an empty line is text.
 */
import type { Field, Rec, Structure } from './fields.ts';

const asciiHead = /^( *)((?:- +)*)([A-Za-z_][\w .-]{0,40})$/;
const anyHead = /^( *)((?:- +)*)([\p{L}_][\p{L}\p{N}_ .-]{0,40})$/u;

/** A map from people to what they may: the addresses are data. Under a key alone: in front of a line it is who says something. */
const addressHead = /^( +)((?:- +)*)([\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}.-]{1,120})$/u;

interface KeyLine {
  readonly indent: number;
  readonly dashes: number;
  readonly key: string;
  readonly rest: string;
}

/** `indent - key: rest`; the first colon ends the key, so that a line is looked at once. */
function keyLine(line: string): KeyLine | undefined {
  const colon = line.indexOf(':');
  const after = line.charAt(colon + 1);
  if (colon < 1 || colon > 120 || (after !== '' && after !== ' ')) return undefined;
  const head = line.slice(0, colon);
  const match = asciiHead.exec(head) ?? anyHead.exec(head) ?? addressHead.exec(head);
  if (match === null) return undefined;
  const [, indent = '', dashes = '', key = ''] = match;
  return { indent: indent.length, dashes: dashes.length, key, rest: line.slice(colon + 1).trimStart() };
}

const itemLine = /^( *)- +(.*)$/;

interface Open {
  readonly records: { readonly fields: Field[] }[];
  readonly prose: string[];
  /** Keys seen in the record at its own depth: a second one begins no field. */
  seen: Set<string>;
  depth: number;
  /** The record of a list within a record, and how deep it is. */
  inner: { readonly fields: Field[] } | undefined;
  innerDepth: number;
}

/** Undefined when the text does not begin like such lines. Behind as many keys as `most` all of it is prose. */
export function parseLines(text: string, most = Number.POSITIVE_INFINITY): Structure | undefined {
  const lines = text.split('\n');
  if (keyLine(lines[0] ?? '') === undefined && !/^- \S+$/.test(lines[0] ?? '')) return undefined;
  const state: Open = { records: [], prose: [], seen: new Set(), depth: 0, inner: undefined, innerDepth: 0 };
  let key = '';
  let at = 0;
  let keyed = 0;
  const nested: { readonly fields: Field[] }[] = [];
  while (at < lines.length) {
    const line = lines[at] ?? '';
    if (line.trim() === '' || keyed >= most) {
      state.prose.push(lines.slice(at).join('\n'));
      break;
    }
    const found = keyLine(line);
    if (found !== undefined) {
      const { indent, dashes, key: name, rest } = found;
      const depth = indent + dashes;
      if (dashes > 0 && indent === 0) begin(state, depth);
      else if (state.records.length === 0) begin(state, 0);
      if (dashes > 0 && indent > 0) {
        state.inner = { fields: [] };
        state.innerDepth = depth;
        nested.push(state.inner);
      } else if (depth < state.innerDepth) state.inner = undefined;
      // A key of a record that has begun anew without a dash: a repeated key is text.
      if (depth === state.depth && dashes === 0 && state.seen.has(name)) {
        state.prose.push(lines.slice(at).join('\n'));
        break;
      }
      if (depth === state.depth) state.seen.add(name);
      key = name;
      keyed += 1;
      if (name.includes('@')) add(state, 'name', name);
      at = scalar(lines, at, depth, rest, (value) => add(state, key, value));
      continue;
    }
    const item = itemLine.exec(line);
    if (item !== null && (state.records.length > 0 || /^- \S+$/.test(line))) {
      const [, indent = '', rest = ''] = item;
      if (state.records.length === 0) begin(state, 0);
      keyed += 1;
      if (indent.length < state.innerDepth) state.inner = undefined;
      at = scalar(lines, at, indent.length + 1, rest, (value) => add(state, key, value));
      continue;
    }
    state.prose.push(lines.slice(at).join('\n'));
    break;
  }
  if (keyed < 1 || (keyed === 1 && state.prose.length > 0)) return undefined;
  const records = [...state.records, ...nested] satisfies readonly Rec[];
  return { records, prose: state.prose.join('\n'), cut: keyed >= most };
}

function begin(state: Open, depth: number): void {
  state.records.push({ fields: [] });
  state.seen = new Set();
  state.depth = depth;
  state.inner = undefined;
  state.innerDepth = 0;
}

function add(state: Open, key: string, value: string): void {
  if (value === '' || value === '[]' || value === '{}' || value === 'null' || value === '~') return;
  (state.inner ?? state.records.at(-1))?.fields.push({ key, value });
}

/** Reads one scalar that begins on line `at`; gives the line after it. */
function scalar(
  lines: readonly string[],
  at: number,
  depth: number,
  rest: string,
  take: (value: string) => void,
): number {
  const quote = rest.charAt(0);
  if (quote === "'" || quote === '"') return quoted(lines, at, rest, quote, take);
  const block = /^[|>][+-]?\d?$/.test(rest);
  const parts = block || rest === '' ? [] : [rest];
  let next = at + 1;
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? '';
    const indent = line.length - line.trimStart().length;
    if (line.trim() !== '' && indent <= depth) break;
    if (line.trim() === '' && !continues(lines, next, depth)) break;
    // Under a key without a value of its own stand a list or further keys.
    if (!block && parts.length === 0 && (keyLine(line) !== undefined || itemLine.test(line))) break;
    parts.push(line.trim());
  }
  take(parts.join(block ? '\n' : ' ').trim());
  return next;
}

/** Empty lines belong to a value if what comes after them is still deeper than its key; looked at once, so still linear. */
function continues(lines: readonly string[], from: number, depth: number): boolean {
  const until = Math.min(lines.length, from + 4);
  for (let at = from + 1; at < until; at += 1) {
    const line = lines[at] ?? '';
    if (line.trim() !== '') return line.length - line.trimStart().length > depth;
  }
  return false;
}

function quoted(
  lines: readonly string[],
  at: number,
  rest: string,
  quote: string,
  take: (value: string) => void,
): number {
  const parts: string[] = [];
  let line = rest.slice(1);
  for (let next = at; ; ) {
    const end = closing(line, quote);
    if (end >= 0) {
      parts.push(line.slice(0, end));
      take(unescaped(parts.join('\n'), quote));
      return next + 1;
    }
    parts.push(line);
    next += 1;
    if (next >= lines.length) {
      take(unescaped(parts.join('\n'), quote));
      return next;
    }
    line = lines[next] ?? '';
  }
}

function closing(line: string, quote: string): number {
  for (let at = 0; at < line.length; at += 1) {
    const letter = line.charAt(at);
    if (letter === '\\' && quote === '"') at += 1;
    else if (letter === quote) {
      if (quote === '"' || line.charAt(at + 1) !== quote) return at;
      at += 1;
    }
  }
  return -1;
}

const unescaped = (text: string, quote: string): string =>
  quote === "'"
    ? text.replaceAll("''", "'")
    : text
        .replaceAll(/\\\n\s*(?:\\ )?/g, '')
        .replaceAll(/\\u([0-9a-fA-F]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        .replaceAll('\\n', '\n')
        .replaceAll('\\"', '"');
