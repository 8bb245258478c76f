import { EstopError } from '../core/errors.ts';

/** A row as the driver gives it, before anybody has looked at it. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows are parsed here, once: a column that is not what its reader says is a bug of ours and says so, instead of travelling on. */
function wrong(row: Row, column: string, wanted: string): EstopError {
  return new EstopError('internal', {
    detail: `store column ${column} is ${row[column] === null ? 'null' : typeof row[column]}, not ${wanted}`,
  });
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw wrong(row, column, 'text');
  return value;
}

export function textOrUndefined(row: Row, column: string): string | undefined {
  return isNull(row, column) ? undefined : text(row, column);
}

export function int(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw wrong(row, column, 'a number');
  return value;
}

export function intOrUndefined(row: Row, column: string): number | undefined {
  return isNull(row, column) ? undefined : int(row, column);
}

export function bool(row: Row, column: string): boolean {
  const value = row[column];
  if (typeof value !== 'boolean') throw wrong(row, column, 'a boolean');
  return value;
}

export function texts(row: Row, column: string): readonly string[] {
  const value = row[column];
  if (!Array.isArray(value) || !value.every((one): one is string => typeof one === 'string'))
    throw wrong(row, column, 'texts');
  return value;
}

export function bytesOrUndefined(row: Row, column: string): Uint8Array | undefined {
  if (isNull(row, column)) return undefined;
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrong(row, column, 'bytes');
  return value;
}

/** jsonb, already parsed by the driver; null where the column is null. */
export function json(row: Row, column: string): unknown {
  return row[column];
}

/** One of the words that a CHECK of the table, or a function, may give. */
export function word<Word extends string>(row: Row, column: string, words: readonly Word[]): Word {
  const value = text(row, column);
  const found = words.find((one) => one === value);
  if (found === undefined) throw wrong(row, column, `one of ${words.join(', ')}`);
  return found;
}

/** Leaves out what is undefined, so that optional properties are absent and not undefined (exactOptionalPropertyTypes). */
export function present<T extends object>(
  values: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} {
  // The type says exactly what the filter does; TypeScript cannot follow Object.entries that far.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function isNull(row: Row, column: string): boolean {
  return row[column] === null || row[column] === undefined;
}
