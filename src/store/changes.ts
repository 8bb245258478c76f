import { type ApprovalRecord, approvalAsOfNow, approvalOf } from './approvals.ts';
import { type BreakerTripRecord, tripOf } from './breakers.ts';
import { type ObligationRecord, obligationOf } from './obligations.ts';
import { call, type Store } from './pool.ts';
import { text } from './row.ts';
import { countsUnder, type StopSummary, summaryOf } from './stop-summaries.ts';
import { type StopRecord, stopOf } from './stops.ts';
import { type TaskRecord, taskOf } from './tasks.ts';

export interface ChangedStop {
  readonly stop: StopRecord;
  readonly summary: StopSummary;
}

export interface OtherChanges {
  readonly tasks: readonly TaskRecord[];
  readonly approvals: readonly ApprovalRecord[];
  /** What a shadow saw is for those who ask for it. */
  readonly trips: readonly BreakerTripRecord[];
}

/** What may have changed since a moment: too much rather than too little, because the stream compares before it sends. */
export interface ChangesRequest {
  /** The store's time; what has a stamp at or after it is included. */
  readonly since: string;
  /** Only this stop and its obligations. */
  readonly stopId?: string;
}

const most = 2_000;
/** Among these is what nobody has taken up yet, unless there is a storm of stops: then the rest is told once somebody has. */
const newest = 500;

/**
 * Stops that may be news at $1: all that are not proved, because their stages may be taken back and their labels carry no time, what
 * was proved since, and what nobody has taken up yet. Each by an index: the looks must not grow with the past.
 */
const underWay = `SELECT p.stop_id FROM estop.stop_progress p WHERE p.proved_at IS NULL
  UNION ALL SELECT p.stop_id FROM estop.stop_progress p WHERE p.proved_at >= $1::timestamptz
  UNION ALL SELECT n.stop_id FROM (SELECT stop_id FROM estop.stops ORDER BY epoch DESC LIMIT ${newest}) n
    WHERE (SELECT p.stop_id FROM estop.stop_progress p WHERE p.stop_id = n.stop_id) IS NULL`;

/** `of`: the ids of stops. */
const stopsText = (of: string): string =>
  `SELECT w.*, c.* FROM (
     SELECT s.*, p.fenced_at, p.halted_at, p.revoked_at, p.proved_at, p.evidence, coalesce(p.possibly_completed, 0) AS possibly_completed
     FROM estop.stops s LEFT JOIN estop.stop_progress p ON p.stop_id = s.stop_id
     WHERE s.stop_id IN (${of}) ORDER BY s.epoch DESC LIMIT ${most}) w
   CROSS JOIN LATERAL (${countsUnder('w.stop_id')}) c
   ORDER BY w.epoch DESC`;
export const changedStopsText = stopsText(
  `${underWay} UNION ALL SELECT r.stop_id FROM estop.stops r WHERE r.reset_at >= $1::timestamptz`,
);

/** Newest first, in one round trip. A stop named by id is included whatever its state. */
export async function changedStops(store: Store, { since, stopId }: ChangesRequest): Promise<readonly ChangedStop[]> {
  const rows =
    stopId === undefined
      ? await call(store, 'changed_stops', changedStopsText, [since])
      : await call(store, 'changed_stop', stopsText('$1'), [stopId]);
  return rows.map((row) => ({ stop: stopOf(row), summary: summaryOf(row) }));
}

/** Where they are more than are read at once, what has ended comes before what is open still: it is told now or never. */
export const changedObligationsText = `SELECT o.*, s.latched_at FROM estop.obligations o JOIN estop.stops s ON s.stop_id = o.cause_id
  WHERE o.cause_id IN (${underWay}) AND (o.final_at IS NULL OR o.final_at >= $1::timestamptz)
  ORDER BY o.final_at DESC NULLS LAST, o.obligation_id LIMIT ${most}`;
/** Of one stop it is what is open. */
const obligationsOfStopText = `SELECT o.*, s.latched_at FROM estop.obligations o JOIN estop.stops s ON s.stop_id = o.cause_id
  WHERE o.cause_id = $2 AND (o.final_at IS NULL OR o.final_at >= $1::timestamptz)
  ORDER BY o.final_at DESC NULLS FIRST, o.obligation_id LIMIT ${most}`;

/** Those of such stops: all that are open, and what has ended since. Each with when its stop was latched. */
export async function changedObligations(
  store: Store,
  { since, stopId }: ChangesRequest,
): Promise<readonly { readonly obligation: ObligationRecord; readonly latchedAt: string }[]> {
  const rows =
    stopId === undefined
      ? await call(store, 'changed_obligations', changedObligationsText, [since])
      : await call(store, 'changed_obligations_of_stop', obligationsOfStopText, [since, stopId]);
  return rows.map((row) => ({ obligation: obligationOf(row), latchedAt: text(row, 'latched_at') }));
}

export async function otherChanges(store: Store, since: string): Promise<OtherChanges> {
  const [tasks, approvals, trips] = await Promise.all([
    call(
      store,
      'changed_tasks',
      `SELECT t.* FROM estop.tasks t WHERE t.registered_at >= $1::timestamptz
       UNION SELECT t.* FROM estop.tasks t WHERE t.state = 'closed' AND t.closed_at >= $1::timestamptz
       UNION SELECT t.* FROM estop.tasks t JOIN estop.audit a ON a.subject = t.task_id AND a.kind IN ('task.held', 'task.released') AND a.at >= $1::timestamptz
         WHERE t.state <> 'closed'
       LIMIT ${most}`,
      [since],
    ),
    call(
      store,
      'changed_approvals',
      `SELECT ${approvalAsOfNow} FROM estop.approvals a WHERE a.state IN ('pending', 'approved') OR a.requested_at >= $1::timestamptz OR a.ended_at >= $1::timestamptz LIMIT ${most}`,
      [since],
    ),
    call(
      store,
      'changed_trips',
      `SELECT b.* FROM estop.breaker_trips b
       WHERE b.action <> 'shadow' AND (b.cleared_at IS NULL OR b.tripped_at >= $1::timestamptz OR b.cleared_at >= $1::timestamptz) LIMIT ${most}`,
      [since],
    ),
  ]);
  return { tasks: tasks.map(taskOf), approvals: approvals.map(approvalOf), trips: trips.map(tripOf) };
}
