/**
 * A list that a tool prints for people: a line that says how many there are, then as many items, each with its numbers behind a
 * label ("Event ID: x7 | Link: ..."). Only these numbers are fields, everything in it stays text as well, and what others could
 * have written among it makes a difference: an item too many, and nothing of it counts; a label that comes twice, and nothing of that
 * item; a label that another item has not, and it is none.
 */
import type { Field, Rec } from './fields.ts';

const longestHead = 240;
const mostItems = 200;
const item = /^( {0,6})([-•*]|\d{1,3}[.)])\s+\S/u;
const numbered =
  /(?<![\p{L}\p{N}])((?:\p{L}[\p{L}_-]{0,20} ){0,2}[\p{L}_-]{0,20}?(?:ID|Id|id|UID|uuid|UUID|[Kk]ey|SHA|sha)) ?: ?([\p{L}\p{N}_.@+/-]{2,128})(?=[\s,;|)\]]|$)/gu;

/** Undefined: it does not begin like one. Without records: it does, and something about it is not as it should be. */
export function listingOf(text: string): readonly Rec[] | undefined {
  const lines = text.split('\n', 4000);
  const begin = lines.findIndex((line) => line.trim() !== '');
  const head = lines[begin] ?? '';
  const said = /(?<![\p{L}\p{N}.,:/-])(\d{1,3})(?![\p{N}.,:/-])/u.exec(head)?.[1];
  if (said === undefined || head.length > longestHead || item.test(head)) return undefined;
  // "patient: 877" is the first of several keys.
  const next = lines.slice(begin + 1).find((line) => line.trim() !== '') ?? '';
  if (/^[\w-]+: \d+$/.test(head) && /^[\w-]+:(?: |$)/.test(next)) return undefined;
  const items = itemsOf(lines.slice(begin + 1));
  if (items.length < 2 && items.length !== Number(said)) return undefined;
  if (items.length !== Number(said) || items.length > mostItems) return [];
  return underSharedLabels(items.map(fieldsOf)).map((fields) => ({ fields }));
}

/** Only labels that every item has were printed by the tool; where one item alone is left, only a label that stands alone. */
function underSharedLabels(items: readonly (readonly Field[] | undefined)[]): readonly (readonly Field[])[] {
  const [first, ...others] = items.flatMap((fields) =>
    fields === undefined ? [] : [new Set(fields.map(({ key }) => key))],
  );
  if (first === undefined || (others.length === 0 && first.size > 1)) return items.map(() => []);
  const shared = new Set([...first].filter((key) => others.every((labels) => labels.has(key))));
  return items.map((fields) => fields?.filter(({ key }) => shared.has(key)) ?? []);
}

/** All of one kind and one depth; what is not deeper than they are ends the list, unless it stands in front of all of them. */
function itemsOf(lines: readonly string[]): readonly string[] {
  const items: string[][] = [];
  let kind = '';
  let depth = 0;
  let ended = false;
  for (const line of lines) {
    const match = item.exec(line);
    const own = match === null ? undefined : `${match[1]?.length ?? 0}${/\d/.test(match[2] ?? '') ? '#' : match[2]}`;
    if (own !== undefined && (items.length === 0 || own === kind)) {
      kind = own;
      depth = match?.[1]?.length ?? 0;
      // One that comes behind the end of the list was put there by somebody: it is counted, so that the number does not fit.
      items.push([line]);
      if (ended) items.push([]);
      continue;
    }
    if (line.trim() === '') continue;
    const deeper = line.length - line.trimStart().length > depth;
    if (deeper && !ended) items.at(-1)?.push(line);
    else if (items.length > 0) ended = true;
  }
  return items.map((itemLines) => itemLines.join('\n'));
}

/** Undefined: a label comes twice, so that nobody knows which the tool printed. */
function fieldsOf(text: string): readonly Field[] | undefined {
  const found = new Map<string, string>();
  for (const [, label = '', value = ''] of text.matchAll(numbered)) {
    const key = label.toLowerCase();
    if (found.has(key)) return undefined;
    found.set(key, value);
  }
  return Array.from(found, ([key, value]) => ({ key, value }));
}
