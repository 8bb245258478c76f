import { widestFirst } from '../core/scope-key.ts';
import { call, type Store } from './pool.ts';
import { bool, int, type Row, text, textOrUndefined } from './row.ts';

/** A stop that is not proved: what the relay looks at in every round. */
export interface UnprovedStop {
  readonly stopId: string;
  readonly scopeKey: string;
  readonly epoch: number;
  readonly graceMs: number;
  readonly seen: boolean;
  readonly fenced: boolean;
  readonly trace: KeptTrace | undefined;
}

/** W3C trace context of whoever ordered a stop, as it is kept beside it. */
export interface KeptTrace {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

const unprovedSql = `SELECT s.stop_id, s.scope_key, s.epoch, s.grace_ms, s.trace, s.trace_state, p.stop_id IS NOT NULL AS seen, p.fenced_at IS NOT NULL AS fenced
  FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id WHERE p.proved_at IS NULL ORDER BY s.epoch`;

/** Widest first, within a width the oldest first. Also of a stop that was reset: it is worked off to its end. */
export async function listUnprovedStops(store: Store): Promise<readonly UnprovedStop[]> {
  const rows = await call(store, 'relay_unproved_stops', unprovedSql, []);
  return widestFirst(
    rows.map((row) => ({
      stopId: text(row, 'stop_id'),
      scopeKey: text(row, 'scope_key'),
      epoch: int(row, 'epoch'),
      graceMs: int(row, 'grace_ms'),
      seen: bool(row, 'seen'),
      fenced: bool(row, 'fenced'),
      trace: traceOf(row),
    })),
  );
}

const busySql = `SELECT s.stop_id FROM estop.stops s WHERE s.stop_id = ANY ($1) AND (
    EXISTS (SELECT 1 FROM estop.obligations o WHERE o.cause_id = s.stop_id AND o.final_at IS NULL)
    OR EXISTS (SELECT 1 FROM estop.tasks t WHERE t.state <> 'closed' AND t.keys @> ARRAY[s.scope_key]))`;

/** Those of these stops of single tasks that have something to end: an open task, or an obligation that is not final. */
export async function findBusyTaskStops(store: Store, stopIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await call(store, 'relay_busy_task_stops', busySql, [stopIds]);
  return new Set(rows.map((row) => text(row, 'stop_id')));
}

export interface ProvedStop {
  readonly stopId: string;
  readonly epoch: number;
}

const provedSql = `SELECT s.stop_id, s.epoch FROM estop.stops s JOIN estop.stop_progress p ON p.stop_id = s.stop_id
  WHERE s.reset_at IS NULL AND p.proved_at IS NOT NULL AND s.epoch > $1 ORDER BY s.epoch LIMIT $2`;

/** Stops that are in force and proved, page by page: there can be very many, and seldom is there anything new under one. */
export async function listProvedStops(store: Store, afterEpoch: number, limit: number): Promise<readonly ProvedStop[]> {
  const rows = await call(store, 'relay_proved_stops', provedSql, [afterEpoch, limit]);
  return rows.map((row) => ({ stopId: text(row, 'stop_id'), epoch: int(row, 'epoch') }));
}

export interface UnfinishedRevocation {
  readonly causeId: string;
  readonly agentId: string;
  readonly epoch: number;
  /** Of the stop that is its cause, if it is one. */
  readonly trace: KeptTrace | undefined;
}

const unfinishedSql = `SELECT o.cause_id, o.agent_id, o.cause_epoch, s.trace, s.trace_state FROM (
    SELECT cause_id, agent_id, min(cause_epoch) AS cause_epoch, min(opened_at) AS opened_at FROM estop.obligations
    WHERE final_at IS NULL AND state IN ('open', 'residual') GROUP BY cause_id, agent_id) o
  LEFT JOIN estop.stops s ON s.stop_id = o.cause_id ORDER BY o.opened_at`;

/** Each has lanes to run, and so needs an open `revocation` workflow. What only owes its last probe is the fan-out's. */
export async function listUnfinishedRevocations(store: Store): Promise<readonly UnfinishedRevocation[]> {
  const rows = await call(store, 'relay_unfinished_revocations', unfinishedSql, []);
  return rows.map((row) => ({
    causeId: text(row, 'cause_id'),
    agentId: text(row, 'agent_id'),
    epoch: int(row, 'cause_epoch'),
    trace: traceOf(row),
  }));
}

function traceOf(row: Row): KeptTrace | undefined {
  const traceparent = textOrUndefined(row, 'trace');
  return traceparent === undefined ? undefined : { traceparent, tracestate: textOrUndefined(row, 'trace_state') };
}

export interface LatchedOrder {
  readonly stopId: string;
  readonly scopeKey: string;
}

/** Which of these ids stand for a latched stop, and over what. */
export async function findLatched(store: Store, stopIds: readonly string[]): Promise<readonly LatchedOrder[]> {
  const sql = 'SELECT stop_id, scope_key FROM estop.stops WHERE stop_id = ANY ($1)';
  const rows = await call(store, 'relay_find_latched', sql, [stopIds]);
  return rows.map((row) => ({ stopId: text(row, 'stop_id'), scopeKey: text(row, 'scope_key') }));
}
