import type { Queryable } from './queryable.ts';

/** What the relay looks at in every round. Nothing is remembered between rounds: the ledger is asked again. */
export interface WatchedStop {
  readonly stopId: string;
  readonly epoch: number;
  readonly category: number;
  readonly graceMs: number;
  readonly seen: boolean;
  readonly fenced: boolean;
  readonly proved: boolean;
}

interface WatchedStopSqlRow {
  readonly stop_id: string;
  readonly epoch: string;
  readonly category: number;
  readonly grace_ms: number;
  readonly seen: boolean;
  readonly fenced: boolean;
  readonly proved: boolean;
}

/** Stops in force, and stops that are not proved: also a reset stop is worked off to its end. */
export async function listWatchedStops(db: Queryable): Promise<readonly WatchedStop[]> {
  const { rows } = await db.query<WatchedStopSqlRow>(
    `SELECT s.stop_id, s.epoch, s.category, s.grace_ms, p.stop_id IS NOT NULL AS seen, p.fenced_at IS NOT NULL AS fenced, p.proved_at IS NOT NULL AS proved
      FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id
      WHERE s.reset_at IS NULL OR p.proved_at IS NULL ORDER BY s.epoch`,
  );
  return rows.map((row) => ({
    stopId: row.stop_id,
    epoch: Number(row.epoch),
    category: row.category,
    graceMs: row.grace_ms,
    seen: row.seen,
    fenced: row.fenced,
    proved: row.proved,
  }));
}

export async function noteStopSeen(db: Queryable, stopId: string): Promise<void> {
  await db.query('SELECT estop.note_stop_seen($1)', [stopId]);
}

export async function reportFence(db: Queryable, stopId: string, leaseMs: number): Promise<boolean> {
  const { rows } = await db.query<{ fenced: boolean }>('SELECT estop.report_fence($1, $2) AS fenced', [stopId, leaseMs]);
  return rows[0]?.fenced === true;
}

export async function openObligations(db: Queryable, stopId: string): Promise<number> {
  const { rows } = await db.query<{ opened: number }>('SELECT estop.open_obligations($1) AS opened', [stopId]);
  return rows[0]?.opened ?? 0;
}

export async function openEndObligations(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ opened: number }>('SELECT estop.open_end_obligations() AS opened');
  return rows[0]?.opened ?? 0;
}

/** Ends and wipes what is finished, retires gateways long gone, closes approvals that nobody can use any more. */
export async function tidyLedger(db: Queryable, gatewayLapsedMs: number): Promise<void> {
  await db.query('SELECT estop.wipe_finished_grants()');
  await db.query('SELECT estop.retire_gateways(NULL, $1)', [gatewayLapsedMs]);
  await db.query('SELECT estop.close_stale_approvals()');
}

export interface UnfinishedRevocation {
  readonly causeId: string;
  readonly agentId: string;
  readonly epoch: number;
}

/** Each needs an open `revocation` workflow. */
export async function listUnfinishedRevocations(db: Queryable): Promise<readonly UnfinishedRevocation[]> {
  const { rows } = await db.query<{ cause_id: string; agent_id: string; cause_epoch: string }>(
    `SELECT cause_id, agent_id, min(cause_epoch) AS cause_epoch FROM estop.obligations
      WHERE final_at IS NULL AND state IN ('open', 'residual') GROUP BY cause_id, agent_id ORDER BY min(opened_at)`,
  );
  return rows.map((row) => ({ causeId: row.cause_id, agentId: row.agent_id, epoch: Number(row.cause_epoch) }));
}

export async function readStoreTime(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (rows[0] === undefined) throw new Error('the store gave no time');
  return rows[0].now;
}

/** Does a gateway wait for a drain that began after the gap in its lease? */
export async function isDrainWanted(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ wanted: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM estop.gateways g WHERE g.retired_at IS NULL AND g.drain_wanted_at IS NOT NULL
        AND g.drain_wanted_at > coalesce((SELECT d.begun_at FROM estop.intake_drains d), '-infinity')) AS wanted`,
  );
  return rows[0]?.wanted === true;
}

export async function recordDrain(db: Queryable, begunAt: Date): Promise<void> {
  await db.query('SELECT estop.record_drain($1)', [begunAt]);
}

export interface LatchedStop {
  readonly stopId: string;
  readonly scopeKey: string;
  readonly category: number;
}

/** Which of these ids stand for a latched stop, and for which. */
export async function findStops(db: Queryable, stopIds: readonly string[]): Promise<readonly LatchedStop[]> {
  const { rows } = await db.query<{ stop_id: string; scope_key: string; category: number }>(
    'SELECT stop_id, scope_key, category FROM estop.stops WHERE stop_id = ANY ($1)',
    [stopIds],
  );
  return rows.map((row) => ({ stopId: row.stop_id, scopeKey: row.scope_key, category: row.category }));
}
