import { EstopError } from '../core/errors.ts';

/** One page of a list, newest first. `next` is opaque to whoever passes it back. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

export interface PageRequest {
  readonly limit?: number;
  readonly cursor?: string;
}

export type Position = readonly [string, string];

const most = 200;

export function pageLimit(request: PageRequest): number {
  return Math.min(Math.max(Math.trunc(request.limit ?? 50), 1), most);
}

/** Keyset: where the last row stood, in both columns of the order. Rows that come or go meanwhile shift nothing. */
export function readCursor(request: PageRequest): Position | undefined {
  if (request.cursor === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(request.cursor, 'base64url').toString('utf8'));
    if (Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string')
      return [value[0], value[1]];
  } catch {
    // Falls through: whatever it was, it is not a cursor of ours.
  }
  throw new EstopError('invalid-input', {
    fields: [{ pointer: 'cursor', message: 'This is not a cursor that this list gave out.' }],
  });
}

/** @param rows one more than the limit, if there are so many */
export function pageOf<Item>(rows: readonly Item[], limit: number, positionOf: (item: Item) => Position): Page<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, next: Buffer.from(JSON.stringify(positionOf(last))).toString('base64url') };
}
