import type { StopCategory, StopMethod } from '../contract/stop.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { int, present, type Row, text, textOrUndefined } from './row.ts';
import { storeError } from './store-error.ts';
import { rowsOf, tables } from './tables.ts';

export interface StopRecord {
  readonly stopId: string;
  readonly epoch: number;
  readonly scopeKey: string;
  readonly category: StopCategory;
  readonly graceMs: number;
  readonly reason: string;
  readonly actor: string;
  readonly method: StopMethod;
  readonly latchedAt: string;
  /** Absent while the stop is in force. */
  readonly reset?: StopReset;
}

export interface StopReset {
  readonly epoch: number;
  readonly at: string;
  readonly by: string;
  readonly reason: string;
}

export interface StopFilter extends PageRequest {
  readonly scopeKey?: string;
  readonly inForce?: boolean;
}

export async function getStop(store: Store, stopId: string): Promise<StopRecord | undefined> {
  const [row] = await call(store, 'stop', 'SELECT * FROM estop.stops WHERE stop_id = $1', [stopId]);
  return row === undefined ? undefined : stopOf(row);
}

/** No more than so many are counted. */
export async function countStopsInForce(store: Store, most: number): Promise<number> {
  const query = 'SELECT count(*)::integer AS n FROM (SELECT 1 FROM estop.stops WHERE reset_at IS NULL LIMIT $1) AS one';
  return int(await callOne(store, 'count_stops_in_force', query, [most]), 'n');
}

/** Newest first. */
export async function listStops(store: Store, filter: StopFilter = {}): Promise<Page<StopRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
    .selectFrom('stops')
    .selectAll()
    .orderBy('epoch', 'desc')
    .limit(limit + 1);
  if (after !== undefined) query = query.where('epoch', '<', cursorEpoch(after[0]));
  if (filter.scopeKey !== undefined) query = query.where('scope_key', '=', filter.scopeKey);
  if (filter.inForce !== undefined) query = query.where('reset_at', filter.inForce ? 'is' : 'is not', null);
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(stopOf), limit, (stop) => [String(stop.epoch), stop.stopId]);
}

export type ResetOutcome =
  | { readonly kind: 'reset' | 'already-reset'; readonly epoch: number; readonly at: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'not-fenced' }
  /** The fleet: recorded, and in force until another person says the same within 15 minutes. */
  | { readonly kind: 'needs-second-person' };

/** Unlatches one stop, by its own id. Restarts nothing. rule: reset-needs-fenced, reset-takes-next-epoch */
export async function resetStop(
  store: Store,
  reset: {
    readonly stopId: string;
    readonly actor: string;
    readonly reason: string;
    /** Every name that the actor goes by: where two must want it, all of them are one person. */
    readonly names?: readonly string[];
  },
): Promise<ResetOutcome> {
  const row = await callOne(store, 'reset', 'SELECT outcome, epoch, reset_at FROM estop.reset($1, $2, $3, $4)', [
    reset.stopId,
    reset.actor,
    reset.reason,
    reset.names ?? [],
  ]);
  const outcome = text(row, 'outcome');
  switch (outcome) {
    case 'reset':
    case 'already-reset':
      return { kind: outcome, epoch: int(row, 'epoch'), at: text(row, 'reset_at') };
    case 'unknown':
    case 'not-fenced':
    case 'needs-second-person':
      return { kind: outcome };
    default:
      throw storeError({ code: 'XX000' });
  }
}

export function stopOf(row: Row): StopRecord {
  const resetAt = textOrUndefined(row, 'reset_at');
  const reset =
    resetAt === undefined
      ? undefined
      : { epoch: int(row, 'reset_epoch'), at: resetAt, by: text(row, 'reset_by'), reason: text(row, 'reset_reason') };
  return {
    stopId: text(row, 'stop_id'),
    epoch: int(row, 'epoch'),
    scopeKey: text(row, 'scope_key'),
    category: int(row, 'category') === 1 ? 1 : 0,
    graceMs: int(row, 'grace_ms'),
    reason: text(row, 'reason'),
    actor: text(row, 'actor'),
    method: text(row, 'method') as StopMethod, // shown, never decided on; a stop latched by hand may carry any word
    latchedAt: text(row, 'latched_at'),
    ...present({ reset }),
  };
}

function cursorEpoch(text: string): number {
  const epoch = Number(text);
  return Number.isSafeInteger(epoch) ? epoch : 0;
}
