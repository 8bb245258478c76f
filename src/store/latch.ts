import type { StopOrder } from '../contract/stop.ts';
import { call, type Store, type StoreClient } from './pool.ts';
import { bool, int, type Row, text, textOrUndefined } from './row.ts';
import { storeError } from './store-error.ts';

export type LatchResult =
  | {
      readonly kind: 'latched';
      readonly stopId: string;
      readonly epoch: number;
      readonly latchedAt: string;
      readonly fresh: boolean;
    }
  /** Committed here, perhaps, but the wait for the standby was cut short: it may be lost in a failover. Order it again, same id. */
  | { readonly kind: 'not-acknowledged'; readonly stopId: string; readonly why: string }
  /** This id is another stop's, over another scope. The order is NOT in force: it needs an id of its own. */
  | { readonly kind: 'id-taken'; readonly stopId: string; readonly scopeKey: string };

const statement = `SELECT stop_id, epoch, scope_key, latched_at, fresh
  FROM estop.latch($1, $2, $3::smallint, $4, $5, $6, $7, $8, $9)`;

/**
 * One autocommit call. Resolves `latched` only after the commit was confirmed without a warning. Throws EstopError when no answer
 * came: then nothing is known, and the same order (same id) may be sent again on any road.
 * rule: one-autocommit-call, caller-mints-stop-id, ack-after-standby
 */
export async function latch(store: Store, order: StopOrder): Promise<LatchResult> {
  const { scopeKey: wanted, category, graceMs, reason, actor, method, trace = null, traceState = null } = order;
  const values = [order.stopId, wanted, category, graceMs, reason, actor, method, trace, traceState];
  const { row, warning } = await watched(store, values);
  const stopId = order.stopId;
  const scopeKey = textOrUndefined(row, 'scope_key') ?? '';
  if (scopeKey !== order.scopeKey) return { kind: 'id-taken', stopId, scopeKey };
  if (warning !== undefined) return { kind: 'not-acknowledged', stopId, why: warning };
  return {
    kind: 'latched',
    stopId,
    epoch: int(row, 'epoch'),
    latchedAt: text(row, 'latched_at'),
    fresh: bool(row, 'fresh'),
  };
}

/**
 * Exercises the latch without latching and leaves a mark; no lease is renewed without a fresh one. True if it was acknowledged as a
 * latch would have been. rule: beat
 */
export async function beat(store: Store, process: string): Promise<boolean> {
  const { warning } = await watched(store, [null, null, null, null, null, process, null, null, null]);
  return warning === undefined;
}

/** The driver hands warnings to whoever listens, and to nobody otherwise: a call that heard one is no acknowledgement. */
async function watched(
  store: Store,
  values: readonly unknown[],
): Promise<{ readonly row: Row; readonly warning: string | undefined }> {
  let client: StoreClient;
  try {
    client = await store.connect();
  } catch (thrown) {
    throw storeError(thrown);
  }
  let warning: string | undefined;
  const onNotice = (notice: { readonly code?: string | undefined; readonly message?: string | undefined }): void => {
    // By SQLSTATE class, since severities are translated: 01 is a warning, 00 a mere notice.
    if (notice.code?.startsWith('00') !== true) warning = notice.message ?? 'warning without text';
  };
  client.on('notice', onNotice);
  try {
    const [row] = await call(client, 'latch', statement, values);
    client.removeListener('notice', onNotice);
    client.release();
    if (row === undefined) throw storeError({ code: 'XX000' });
    return { row, warning };
  } catch (thrown) {
    client.removeListener('notice', onNotice);
    client.release(true);
    throw thrown;
  }
}
