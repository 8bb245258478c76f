import { call, callOne, type Store } from './pool.ts';
import { bool, int, textOrUndefined } from './row.ts';

/** First sight of a committed stop; leases are counted from here. rule: expired-not-before-commit-plus-lease */
export async function noteStopSeen(store: Store, stopId: string): Promise<void> {
  await call(store, 'note_stop_seen', 'SELECT estop.note_stop_seen($1)', [stopId]);
}

/**
 * True once every gateway has confirmed this stop or its lease has run out. Without a lease none counts as run out, whatever the
 * database's clock says. rule: expired-not-before-commit-plus-lease
 */
export async function reportFence(store: Store, stopId: string, leaseMs: number | undefined): Promise<boolean> {
  return bool(
    await callOne(store, 'report_fence', 'SELECT estop.report_fence($1, $2) AS fenced', [stopId, leaseMs ?? null]),
    'fenced',
  );
}

/** Bookkeeping of the relay: what expired, or is dead or of a closed task, is no longer shown as open. */
export async function closeStaleApprovals(store: Store): Promise<number> {
  return int(
    await callOne(store, 'close_stale_approvals', 'SELECT estop.close_stale_approvals() AS closed', []),
    'closed',
  );
}

/** What is over by now stays over, should the clock go back. */
export async function noteElapsed(store: Store): Promise<number> {
  return int(await callOne(store, 'note_elapsed', 'SELECT estop.note_elapsed() AS noted', []), 'noted');
}

/** Does a gateway wait for the intake to be drained? Then drain it, and record when the reading began (storeNow, before it). */
export async function drainWanted(store: Store): Promise<boolean> {
  const row = await callOne(
    store,
    'drain_wanted',
    `SELECT max(g.drain_wanted_at) AS wanted, (SELECT d.begun_at FROM estop.intake_drains d) AS begun,
       coalesce(max(g.drain_wanted_at) >= (SELECT d.begun_at FROM estop.intake_drains d), max(g.drain_wanted_at) IS NOT NULL) AS open
     FROM estop.gateways g WHERE g.retired_at IS NULL`,
    [],
  );
  return textOrUndefined(row, 'wanted') !== undefined && bool(row, 'open');
}

/** Every run of the intake, open or closed, was read from `begunAt` (this store's time) on, and every order in it is latched. */
export async function recordDrain(store: Store, begunAt: string): Promise<void> {
  await call(store, 'record_drain', 'SELECT estop.record_drain($1)', [begunAt]);
}
