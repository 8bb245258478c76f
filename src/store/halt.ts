import type { Queryable } from './queryable.ts';

export interface StopUnderWay {
  readonly stopId: string;
  readonly epoch: number;
  readonly scopeKey: string;
  readonly category: number;
  readonly reason: string;
  readonly actor: string;
  readonly latchedAt: Date;
  /** By the store's clock. */
  readonly graceLeftMs: number;
  readonly fenced: boolean;
  readonly proved: boolean;
  readonly sweepsDone: number;
}

interface StopUnderWaySqlRow {
  readonly stop_id: string;
  readonly epoch: string;
  readonly scope_key: string;
  readonly category: number;
  readonly reason: string;
  readonly actor: string;
  readonly latched_at: Date;
  readonly grace_left_ms: number;
  readonly fenced: boolean;
  readonly proved: boolean;
  readonly sweeps_done: number;
}

export async function readStopUnderWay(db: Queryable, stopId: string): Promise<StopUnderWay | undefined> {
  const { rows } = await db.query<StopUnderWaySqlRow>(
    `SELECT s.stop_id, s.epoch, s.scope_key, s.category, s.reason, s.actor, s.latched_at,
        greatest(0, s.grace_ms - extract(epoch FROM clock_timestamp() - s.latched_at) * 1000)::integer AS grace_left_ms,
        p.fenced_at IS NOT NULL AS fenced, p.proved_at IS NOT NULL AS proved, coalesce(p.sweeps_done, 0) AS sweeps_done
      FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id WHERE s.stop_id = $1`,
    [stopId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    stopId: row.stop_id,
    epoch: Number(row.epoch),
    scopeKey: row.scope_key,
    category: row.category,
    reason: row.reason,
    actor: row.actor,
    latchedAt: row.latched_at,
    graceLeftMs: row.grace_left_ms,
    fenced: row.fenced,
    proved: row.proved,
    sweepsDone: row.sweeps_done,
  };
}

export interface OpenTask {
  readonly taskId: string;
  readonly state: 'registered' | 'running';
}

type OpenTaskSqlRow = { readonly task_id: string; readonly state: OpenTask['state'] };

const toOpenTask = (row: OpenTaskSqlRow): OpenTask => ({ taskId: row.task_id, state: row.state });

export async function listCoveredOpenTasks(db: Queryable, stopId: string, limit: number): Promise<readonly OpenTask[]> {
  const { rows } = await db.query<OpenTaskSqlRow>('SELECT task_id, state FROM estop.covered_open_tasks($1, $2)', [stopId, limit]);
  return rows.map(toOpenTask);
}

export async function closeTasks(db: Queryable, taskIds: readonly string[], outcome: string): Promise<number> {
  const { rows } = await db.query<{ closed: number }>('SELECT estop.close_tasks($1, $2) AS closed', [taskIds, outcome]);
  return rows[0]?.closed ?? 0;
}

/** What the ledger knows of these tasks: not at all, covered by this stop, or not covered by it. */
export async function listKnownTasks(
  db: Queryable,
  stopId: string,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly covered: boolean }>> {
  const { rows } = await db.query<{ task_id: string; covered: boolean }>(
    `SELECT t.task_id, (t.keys @> ARRAY[s.scope_key] OR t.agents && estop.labelled_agents(s.scope_key, s.epoch))
        AND (s.reset_at IS NULL OR t.epoch < s.epoch) AS covered
      FROM estop.tasks t, estop.stops s WHERE s.stop_id = $1 AND t.task_id = ANY ($2)`,
    [stopId, taskIds],
  );
  return new Map(rows.map((row) => [row.task_id, { covered: row.covered }]));
}

/** Agents that a stop on this label reaches. */
export async function listLabelledAgents(db: Queryable, scopeKey: string, epoch: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ agents: readonly string[] }>('SELECT estop.labelled_agents($1, $2) AS agents', [scopeKey, epoch]);
  return rows[0]?.agents ?? [];
}

/** Open tasks by id, for the slow walk of the watchdog. `settled`: registered longer ago than a start can take. */
export interface WatchedTask extends OpenTask {
  readonly settled: boolean;
}

export async function listOpenTasks(db: Queryable, after: string, limit: number, startMs: number): Promise<readonly WatchedTask[]> {
  const { rows } = await db.query<OpenTaskSqlRow & { readonly settled: boolean }>(
    `SELECT task_id, state, registered_at < clock_timestamp() - make_interval(secs => $3 / 1000.0) AS settled
      FROM estop.tasks WHERE state <> 'closed' AND task_id > $1 ORDER BY task_id LIMIT $2`,
    [after, limit, startMs],
  );
  return rows.map((row) => ({ ...toOpenTask(row), settled: row.settled }));
}

export async function listOpenAmong(db: Queryable, taskIds: readonly string[]): Promise<readonly string[]> {
  const { rows } = await db.query<{ task_id: string }>("SELECT task_id FROM estop.tasks WHERE task_id = ANY ($1) AND state <> 'closed'", [taskIds]);
  return rows.map((row) => row.task_id);
}

export async function killerOfTask(db: Queryable, taskId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ stop_id: string | null }>('SELECT stop_id FROM estop.check_task($1)', [taskId]);
  return rows[0]?.stop_id ?? undefined;
}

export interface RevocationState {
  readonly uncovered: number;
  readonly total: number;
  readonly acted: number;
  readonly concluded: number;
  readonly final: number;
  /** By the store's clock; undefined: nothing was cut. */
  readonly sinceLastCutMs: number | undefined;
  readonly connectors: readonly string[];
}

interface RevocationStateSqlRow {
  readonly uncovered: number;
  readonly total: number;
  readonly acted: number;
  readonly concluded: number;
  readonly final: number;
  readonly since_last_cut_ms: number | null;
  readonly connectors: readonly string[] | null;
}

export async function readRevocationState(db: Queryable, stopId: string): Promise<RevocationState> {
  const { rows } = await db.query<RevocationStateSqlRow>(
    `SELECT uncovered, total, acted, concluded, final, (extract(epoch FROM clock_timestamp() - last_cut) * 1000)::float8 AS since_last_cut_ms,
        (SELECT array_agg(DISTINCT o.connector) FROM estop.obligations o WHERE o.cause_id = $1) AS connectors
      FROM estop.revocation_state($1)`,
    [stopId],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('the ledger gave no state');
  const { uncovered, total, acted, concluded, final } = row;
  return { uncovered, total, acted, concluded, final, sinceLastCutMs: row.since_last_cut_ms ?? undefined, connectors: row.connectors ?? [] };
}

export type Stage = 'halted' | 'revoked' | 'proved' | 'sweep';

/** True if the stage holds by the ledger, and is stamped. */
export async function markStage(db: Queryable, stopId: string, stage: Stage): Promise<boolean> {
  const { rows } = await db.query<{ stamped: boolean }>('SELECT estop.mark_stage($1, $2) AS stamped', [stopId, stage]);
  return rows[0]?.stamped === true;
}
