import { visible, visibleShort } from './visible.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Longer cells are cut with a mark. */
  readonly width?: number;
}

/** Less than this beside the other columns is no place to read a sentence in. */
const leastLast = 24;

/**
 * Columns without boxes: two spaces between, the last one ragged, so that it can be grepped and pasted. In a window that is too narrow
 * for that the last one goes on below itself; where the others alone fill it, each row is a block of its own.
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width = windowWidth(),
): readonly string[] {
  const cells = rows.map((row) =>
    columns.map(({ cell, width }) => (width === undefined ? visible(cell(row)) : visibleShort(cell(row), width))),
  );
  const titles = columns.map(({ title }) => title.toUpperCase());
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...cells].map((line) => [...(line[index] ?? '')].length)),
  );
  const before = widths.slice(0, -1).reduce((sum, one) => sum + one + 2, 0);
  const last = widths.at(-1) ?? 0;
  if (before + last > width && before + Math.min(last, leastLast) > width) return blocksOf(titles, cells);
  return [titles, ...cells].flatMap((line) => {
    const [first = '', ...more] = wrapped(line.at(-1) ?? '', width - before);
    const head = line.slice(0, -1).map((cell, index) => pad(cell, widths[index] ?? 0));
    return [[...head, first].join('  ').trimEnd(), ...more.map((part) => `${' '.repeat(before)}${part}`)];
  });
}

/** A window that nobody told its width says 0; what is no window has none. */
const windowWidth = (): number =>
  process.stdout.isTTY === true && process.stdout.columns > 0 ? process.stdout.columns : Number.POSITIVE_INFINITY;

/** The first column names it; what is empty of the others is left out. */
const blocksOf = (titles: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  rows.flatMap(([name = '', ...cells]) => [
    name,
    ...cells.flatMap((cell, index) =>
      cell === '' || cell === '-' ? [] : [`  ${(titles[index + 1] ?? '').toLowerCase()}: ${cell}`],
    ),
  ]);

/** Between words; a word that is longer than a line is left whole, for whoever pastes it. */
function wrapped(text: string, width: number): readonly string[] {
  if ([...text].length <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && [...longer].length > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Label and value, one a line, for one thing. */
export function renderFields(fields: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...fields.map(([label]) => label.length));
  return fields.map(([label, value]) => `${label.padEnd(width)}  ${visible(value)}`);
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}
