/**
 * The rows of a table that is printed as text: columns apart by tabs, bars, commas, semicolons or two spaces and more. All of the
 * text must be one: a single line with another number of cells, or with a sentence in it, and none of it is.
 */
import type { Rec } from './fields.ts';

const most = { rows: 400, columns: 40, cell: 80, words: 8, line: 160 } as const;
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
  return lines.every((line) => line.length <= most.line) ? listOf(lines) : undefined;
}

const head = /^(?:id|sku|no|nr|number|key|ref|code)\b/i;
const numbered = /^#?(\p{L}{1,16}(?=[-_.]?\d)|\p{L}{1,16}(?=[-_]\p{Lu})|(?=\d{3}))[\p{L}\p{N}._-]{1,40}:?(?:\s|$)/u;

/** A line for each thing, its number in front: of one kind, or under a head that says so. */
function listOf(lines: readonly string[]): readonly Rec[] | undefined {
  const headed = lines.length > 1 && head.test(lines[0] ?? '');
  const rows = headed ? lines.slice(1) : lines;
  const kinds = new Set(rows.map((line) => numbered.exec(line.trim())?.[1]));
  if (kinds.has(undefined) || (!headed && kinds.size > 1)) return undefined;
  if (!rows.every((line) => line.split(/\s+/, most.words + 2).length <= most.words + 1 && !isSentence(line)))
    return undefined;
  if (headed && isSentence(lines[0] ?? '')) return undefined;
  const above = headed ? [{ fields: [{ key: '', value: lines[0] ?? '' }] }] : [];
  return above.concat(
    rows.map((line) => {
      const [number = '', ...rest] = line.trim().split(/\s+/);
      const said = rest.join(' ');
      return {
        fields: [
          { key: 'id', value: number.replaceAll(/^#|:$/g, '') },
          { key: '', value: said },
        ],
      };
    }),
  );
}

/** Without the bars at the ends of a row. */
function cellsOf(line: string, mark: RegExp): readonly string[] {
  const row = line.trim();
  const inner = row.slice(row.startsWith('|') ? 1 : 0, row.length > 1 && row.endsWith('|') ? -1 : row.length);
  return inner.split(mark, most.columns + 1).map((cell) => cell.trim());
}

const isCell = (cell: string): boolean =>
  cell.length <= most.cell && cell.split(/\s+/, most.words + 1).length <= most.words && !isSentence(cell);

/** "Dr. Amari" is none. */
const isSentence = (text: string): boolean => /[!?:]\s+\S|(?<!\b(?:Dr|Mr|Mrs|Ms|Prof))\.\s+\S/.test(text);
