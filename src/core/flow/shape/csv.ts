/**
 * A table of comma-separated values under a row of names, as RFC 4180 writes it. Only a cell between quotes may hold a sentence: a
 * server that does not quote lets others write its rows, and then none of it is a table. Without any quotes it is read as other tables are.
 */
import type { Rec } from './fields.ts';

const most = { rows: 400, columns: 60, cell: 80, words: 8 } as const;
const name = /^[\p{L}_][\p{L}\p{N}_ .-]{0,40}$/u;

export function csvOf(text: string): readonly Rec[] | undefined {
  const [head, ...rows] = rowsOf(text) ?? [];
  if (head === undefined || rows.length === 0 || head.length < 3 || head.length > most.columns) return undefined;
  if (!head.every(({ value, quoted }) => !quoted && name.test(value))) return undefined;
  if (!rows.some((cells) => cells.some(({ quoted }) => quoted))) return undefined;
  if (!rows.every((cells) => cells.length === head.length && cells.every(isPlain))) return undefined;
  return rows.map((cells) => ({
    fields: cells.flatMap(({ value }, at) => (value === '' ? [] : [{ key: head[at]?.value ?? '', value }])),
  }));
}

interface Cell {
  readonly value: string;
  readonly quoted: boolean;
}

const isPlain = ({ value, quoted }: Cell): boolean =>
  quoted ||
  (value.length <= most.cell &&
    !value.startsWith(' ') &&
    value.split(/\s+/, most.words + 1).length <= most.words &&
    !/[.!?]\s+\S/.test(value));

/** One pass. Undefined where a quote stands in the middle of a cell, is not closed, or there are more rows than are looked at. */
function rowsOf(text: string): readonly (readonly Cell[])[] | undefined {
  const rows: Cell[][] = [];
  const cell = /"([^"]*(?:""[^"]*)*)"(?=[,\r\n]|$)|([^",\r\n]*)(?=[,\r\n]|$)/uy;
  let row: Cell[] = [];
  let at = 0;
  for (;;) {
    cell.lastIndex = at;
    const match = cell.exec(text);
    if (match === null) return undefined;
    const [all, quoted, plain = ''] = match;
    row.push(
      quoted === undefined ? { value: plain, quoted: false } : { value: quoted.replaceAll('""', '"'), quoted: true },
    );
    at += all.length;
    if (row.length > most.columns) return undefined;
    if (text.charAt(at) === ',') {
      at += 1;
      continue;
    }
    if (row.length > 1 || row[0]?.value !== '') rows.push(row);
    if (rows.length > most.rows) return undefined;
    row = [];
    const end = /\r?\n|\r|$/y;
    end.lastIndex = at;
    at += end.exec(text)?.[0].length ?? 0;
    if (at >= text.length) return rows;
  }
}
