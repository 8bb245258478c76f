/**
 * The rows of a table that is printed as text: columns apart by tabs, bars, commas, semicolons or two spaces and more. All of the
 * text must be one: a single line with another number of cells, or with a sentence in it, and none of it is.
 */
import type { Rec } from './fields.ts';

const most = { rows: 400, columns: 40, cell: 80, words: 8 } as const;
/** Of the marks that also stand in sentences more columns are asked for. */
const separators: readonly { readonly mark: RegExp; readonly columns: number }[] = [
  { mark: /\t/, columns: 2 },
  { mark: /\|/, columns: 2 },
  { mark: / {2,}/, columns: 2 },
  { mark: /;/, columns: 3 },
  { mark: /,(?! )/, columns: 3 },
];
const rule = /^[\s|:+=-]+$/;

export function tableOf(text: string): readonly Rec[] | undefined {
  const lines = text.split('\n', most.rows + 1).filter((line) => line.trim() !== '' && !rule.test(line));
  if (lines.length < 2 || lines.length > most.rows) return undefined;
  for (const { mark, columns } of separators) {
    const rows = lines.map((line) => cellsOf(line, mark));
    const width = rows[0]?.length ?? 0;
    if (width < columns || width > most.columns) continue;
    if (!rows.every((cells) => cells.length === width && cells.every(isCell))) continue;
    return rows.map((cells) => ({ fields: cells.map((value) => ({ key: '', value })) }));
  }
  return undefined;
}

/** Without the bars at the ends of a row. */
function cellsOf(line: string, mark: RegExp): readonly string[] {
  const row = line.trim();
  const inner = row.slice(row.startsWith('|') ? 1 : 0, row.length > 1 && row.endsWith('|') ? -1 : row.length);
  return inner.split(mark, most.columns + 1).map((cell) => cell.trim());
}

const isCell = (cell: string): boolean =>
  cell.length <= most.cell && cell.split(/\s+/, most.words + 1).length <= most.words && !/[.!?:]\s+\S/.test(cell);
