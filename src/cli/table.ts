import { visible, visibleShort } from './visible.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** Longer cells are cut with a mark. */
  readonly width?: number;
}

/** Columns without boxes: two spaces between, the last one ragged, so that it can be grepped and pasted. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[] {
  const cells = rows.map((row) =>
    columns.map(({ cell, width }) => (width === undefined ? visible(cell(row)) : visibleShort(cell(row), width))),
  );
  const titles = columns.map(({ title }) => title.toUpperCase());
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...cells].map((line) => [...(line[index] ?? '')].length)),
  );
  return [titles, ...cells].map((line) =>
    line
      .map((cell, index) => pad(cell, widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Label and value, one a line, for one thing. */
export function renderFields(fields: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...fields.map(([label]) => label.length));
  return fields.map(([label, value]) => `${label.padEnd(width)}  ${visible(value)}`);
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}
