import { call, callOne, type Store } from './pool.ts';
import { bool, int, intOrUndefined, text, texts, word } from './row.ts';
import { type TaskLedgerState, taskLedgerStates } from './tasks.ts';

export interface StopUnderWay {
  readonly stopId: string;
  readonly epoch: number;
  readonly scopeKey: string;
  readonly category: number;
  readonly reason: string;
  readonly actor: string;
  readonly latchedAt: string;
  /** By the store's clock. */
  readonly graceLeftMs: number;
  readonly fenced: boolean;
  readonly proved: boolean;
  readonly sweepsDone: number;
}

const underWaySql = `SELECT s.stop_id, s.epoch, s.scope_key, s.category, s.reason, s.actor, s.latched_at,
    greatest(0, s.grace_ms - extract(epoch FROM clock_timestamp() - s.latched_at) * 1000)::integer AS grace_left_ms,
    p.fenced_at IS NOT NULL AS fenced, p.proved_at IS NOT NULL AS proved, coalesce(p.sweeps_done, 0) AS sweeps_done
  FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id WHERE s.stop_id = $1`;

export async function readStopUnderWay(store: Store, stopId: string): Promise<StopUnderWay | undefined> {
  const [row] = await call(store, 'halt_stop_under_way', underWaySql, [stopId]);
  if (row === undefined) return undefined;
  return {
    stopId: text(row, 'stop_id'),
    epoch: int(row, 'epoch'),
    scopeKey: text(row, 'scope_key'),
    category: int(row, 'category'),
    reason: text(row, 'reason'),
    actor: text(row, 'actor'),
    latchedAt: text(row, 'latched_at'),
    graceLeftMs: int(row, 'grace_left_ms'),
    fenced: bool(row, 'fenced'),
    proved: bool(row, 'proved'),
    sweepsDone: int(row, 'sweeps_done'),
  };
}

const knownTasksSql = `SELECT t.task_id, t.state = 'closed'
    AND (t.keys @> ARRAY[s.scope_key] OR t.agents && estop.labelled_agents(s.scope_key, s.epoch)) AND (s.reset_at IS NULL OR t.epoch < s.epoch) AS stray
  FROM estop.tasks t, estop.stops s WHERE s.stop_id = $1 AND t.task_id = ANY ($2)`;

/** Of these running tasks those that the ledger knows; true: it is covered by this stop and its row says that it is closed. */
export async function straysByLedger(
  store: Store,
  stopId: string,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, boolean>> {
  const rows = await call(store, 'halt_strays', knownTasksSql, [stopId, taskIds]);
  return new Map(rows.map((row) => [text(row, 'task_id'), bool(row, 'stray')]));
}

/** Agents that a stop on this label reaches. */
export async function listLabelledAgents(store: Store, scopeKey: string, epoch: number): Promise<readonly string[]> {
  return texts(
    await callOne(store, 'halt_labelled_agents', 'SELECT estop.labelled_agents($1, $2) AS agents', [scopeKey, epoch]),
    'agents',
  );
}

export interface WatchedTask {
  readonly taskId: string;
  readonly state: TaskLedgerState;
  /** Registered longer ago than a start can take. */
  readonly settled: boolean;
}

/**
 * A stop that is not proved has its tasks in hand: its halt ends each of them, looks, and closes its row. Whoever else looked at
 * them meanwhile would only take from the server what the halt needs.
 */
const haltingSql = `halting AS MATERIALIZED (
    SELECT s.scope_key, s.epoch, s.reset_at, estop.labelled_agents(s.scope_key, s.epoch) AS labelled
    FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id WHERE p.proved_at IS NULL)`;
const notInHandSql = `NOT EXISTS (SELECT 1 FROM halting h
    WHERE (t.keys @> ARRAY[h.scope_key] OR t.agents && h.labelled) AND (h.reset_at IS NULL OR t.epoch < h.epoch))`;

const openTasksSql = `WITH ${haltingSql}
  SELECT t.task_id, t.state, t.registered_at < clock_timestamp() - make_interval(secs => $3 / 1000.0) AS settled
  FROM estop.tasks t WHERE t.state <> 'closed' AND t.task_id > $1 AND ${notInHandSql} ORDER BY t.task_id LIMIT $2`;

/** Open tasks by id that no halt has in hand, for the slow walk of the watchdog. */
export async function listOpenTasks(
  store: Store,
  after: string,
  limit: number,
  startMs: number,
): Promise<readonly WatchedTask[]> {
  const rows = await call(store, 'halt_open_tasks', openTasksSql, [after, limit, startMs]);
  return rows.map((row) => ({
    taskId: text(row, 'task_id'),
    state: word(row, 'state', taskLedgerStates),
    settled: bool(row, 'settled'),
  }));
}

export async function countOpenTasks(store: Store): Promise<number> {
  const sql = "SELECT count(*)::integer AS open FROM estop.tasks WHERE state <> 'closed'";
  return int(await callOne(store, 'halt_count_open', sql, []), 'open');
}

const openAmongSql = `WITH ${haltingSql}
  SELECT t.task_id FROM estop.tasks t WHERE t.task_id = ANY ($1) AND t.state <> 'closed' AND ${notInHandSql}`;

/** Of these the open ones that no halt has in hand. */
export async function listOpenAmong(store: Store, taskIds: readonly string[]): Promise<readonly string[]> {
  const rows = await call(store, 'halt_open_among', openAmongSql, [taskIds]);
  return rows.map((row) => text(row, 'task_id'));
}

export interface ProofState {
  readonly uncovered: number;
  readonly total: number;
  readonly acted: number;
  readonly open: number;
  readonly final: number;
  /** By the store's clock; undefined: nothing was cut. */
  readonly sinceLastCutMs: number | undefined;
  readonly connectors: readonly string[];
}

const revocationStateSql = `SELECT r.uncovered, r.total, r.acted, r.final, floor(extract(epoch FROM clock_timestamp() - r.last_cut) * 1000)::float8 AS since_last_cut_ms,
    (SELECT count(*)::integer FROM estop.obligations o WHERE o.cause_id = $1 AND o.state = 'open' AND o.final_at IS NULL) AS open,
    coalesce((SELECT array_agg(DISTINCT o.connector) FROM estop.obligations o WHERE o.cause_id = $1), '{}') AS connectors
  FROM estop.revocation_state($1) r`;

export async function readProofState(store: Store, stopId: string): Promise<ProofState> {
  const row = await callOne(store, 'halt_revocation_state', revocationStateSql, [stopId]);
  return {
    uncovered: int(row, 'uncovered'),
    total: int(row, 'total'),
    acted: int(row, 'acted'),
    open: int(row, 'open'),
    final: int(row, 'final'),
    sinceLastCutMs: intOrUndefined(row, 'since_last_cut_ms'),
    connectors: texts(row, 'connectors'),
  };
}
