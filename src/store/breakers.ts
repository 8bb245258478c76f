import {
  type BreakerAction,
  type BreakerKind,
  type BreakerRule,
  breakerActions,
  breakerKinds,
  type Conduct,
  type ToolUse,
  type TripCause,
  tripCauses,
} from '../core/breaker.ts';
import { EstopError } from '../core/errors.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, json, present, type Row, text, textOrUndefined, word } from './row.ts';

/** One rule of one agent, and what it is judged by now. */
export interface MeasuredBreaker {
  readonly agentId: string;
  readonly rule: BreakerRule;
  readonly conduct: Conduct;
  /** Of its open trip, if there is one. */
  readonly openAction?: BreakerAction;
}

export async function measureBreakers(store: Store): Promise<readonly MeasuredBreaker[]> {
  return (await call(store, 'measure_breakers', 'SELECT * FROM estop.measure_breakers()', [])).map((row) => ({
    agentId: text(row, 'agent_id'),
    rule: {
      breaker: word(row, 'breaker', breakerKinds),
      action: word(row, 'action', breakerActions),
      most: int(row, 'most'),
      atLeast: int(row, 'at_least'),
      withinMs: int(row, 'within_ms'),
    },
    conduct: {
      calls: int(row, 'calls'),
      errors: int(row, 'errors'),
      denied: int(row, 'denied'),
      beyond: int(row, 'beyond'),
      overBudget: int(row, 'over_budget'),
      microcents: int(row, 'microcents'),
      risk: int(row, 'risk'),
      repeated: int(row, 'repeated'),
      children: int(row, 'children'),
      tools: toolsOf(json(row, 'tools')),
    },
    ...present({
      openAction:
        textOrUndefined(row, 'open_action') === undefined ? undefined : word(row, 'open_action', breakerActions),
    }),
  }));
}

export interface Trip {
  readonly agentId: string;
  readonly rule: BreakerRule;
  readonly measured: number;
  readonly sample: number;
  /** Of a trip that stops: the order to be latched. */
  readonly stopId?: string;
}

/** False: such a trip, or a louder one, is open already. */
export async function tripBreaker(store: Store, { agentId, rule, measured, sample, stopId }: Trip): Promise<boolean> {
  const values = [agentId, rule.breaker, rule.action, measured, rule.most, rule.withinMs, sample, stopId ?? null];
  return bool(
    await callOne(store, 'trip_breaker', 'SELECT estop.trip_breaker($1, $2, $3, $4, $5, $6, $7, $8) AS fresh', values),
    'fresh',
  );
}

export interface BreakerTripRecord {
  readonly tripId: number;
  readonly agentId: string;
  readonly breaker: TripCause;
  readonly action: BreakerAction;
  /** The numbers that tripped it. */
  readonly measured: number;
  readonly most: number;
  readonly withinMs: number;
  readonly sample: number;
  readonly trippedAt: string;
  readonly stopId?: string;
  readonly latchedAt?: string;
  readonly clearedAt?: string;
  readonly clearedBy?: string;
  readonly clearReason?: string;
}

export interface TripFilter {
  readonly agentId?: string;
  /** Only those that are open. */
  readonly open?: boolean;
}

/** Newest first, the newest five hundred. */
export async function listTrips(
  store: Store,
  { agentId, open }: TripFilter = {},
): Promise<readonly BreakerTripRecord[]> {
  const sql = `SELECT b.* FROM estop.breaker_trips b
    WHERE ($1::text IS NULL OR b.agent_id = $1) AND (NOT $2 OR b.cleared_at IS NULL)
    ORDER BY b.cleared_at IS NULL DESC, b.tripped_at DESC, b.trip_id DESC LIMIT 500`;
  return (await call(store, 'list_trips', sql, [agentId ?? null, open === true])).map(tripOf);
}

/** Orders that are written down and not latched yet, oldest first. */
export async function listTripsToLatch(store: Store): Promise<readonly BreakerTripRecord[]> {
  const sql = `SELECT b.* FROM estop.breaker_trips b WHERE b.cleared_at IS NULL AND b.action = 'stop' AND b.latched_at IS NULL ORDER BY b.trip_id`;
  return (await call(store, 'trips_to_latch', sql, [])).map(tripOf);
}

/** False: the ledger has no such stop of that agent. */
export async function noteTripLatched(store: Store, stopId: string): Promise<boolean> {
  return bool(await callOne(store, 'trip_latched', 'SELECT estop.note_trip_latched($1) AS noted', [stopId]), 'noted');
}

export interface QuietBreaker {
  readonly agentId: string;
  readonly breaker: BreakerKind;
}

/** Ends trips that only told, where it is quiet again, and those whose stop was reset. */
export async function rearmBreakers(store: Store, quiet: readonly QuietBreaker[]): Promise<number> {
  const values = [quiet.map(({ agentId }) => agentId), quiet.map(({ breaker }) => breaker)];
  return int(
    await callOne(store, 'rearm_breakers', 'SELECT estop.rearm_breakers($1, $2) AS cleared', values),
    'cleared',
  );
}

export async function noteBreakerLook(store: Store): Promise<void> {
  await call(store, 'breaker_look', 'SELECT estop.note_breaker_look()', []);
}

export type BreakerReset =
  | { readonly kind: 'reset' }
  | { readonly kind: 'not-tripped' }
  /** It latched this stop, which is reset as a stop. */
  | { readonly kind: 'stopped'; readonly stopId: string };

export async function resetBreaker(
  store: Store,
  reset: { readonly agentId: string; readonly breaker: TripCause; readonly actor: string; readonly reason: string },
): Promise<BreakerReset> {
  const values = [reset.agentId, reset.breaker, reset.actor, reset.reason];
  const row = await callOne(store, 'reset_breaker', 'SELECT * FROM estop.reset_breaker($1, $2, $3, $4)', values);
  const outcome = word(row, 'outcome', ['reset', 'not-tripped', 'stopped'] as const);
  return outcome === 'stopped' ? { kind: outcome, stopId: text(row, 'stop_id') } : { kind: outcome };
}

/** One batch each of counts that are folded into the past and of budgets that nobody needs; the size of the larger. */
export async function tidyLimits(store: Store, olderMs: number, atMost: number): Promise<number> {
  const sql = 'SELECT greatest(estop.fold_conduct($2), estop.prune_budgets($1, $2)) AS gone';
  return int(await callOne(store, 'tidy_limits', sql, [olderMs, atMost]), 'gone');
}

export function tripOf(row: Row): BreakerTripRecord {
  return {
    tripId: int(row, 'trip_id'),
    agentId: text(row, 'agent_id'),
    breaker: word(row, 'breaker', tripCauses),
    action: word(row, 'action', breakerActions),
    measured: int(row, 'measured'),
    most: int(row, 'most'),
    withinMs: int(row, 'within_ms'),
    sample: int(row, 'sample'),
    trippedAt: text(row, 'tripped_at'),
    ...present({
      stopId: textOrUndefined(row, 'stop_id'),
      latchedAt: textOrUndefined(row, 'latched_at'),
      clearedAt: textOrUndefined(row, 'cleared_at'),
      clearedBy: textOrUndefined(row, 'cleared_by'),
      clearReason: textOrUndefined(row, 'clear_reason'),
    }),
  };
}

function toolsOf(value: unknown): readonly ToolUse[] {
  if (!Array.isArray(value)) throw new EstopError('internal', { detail: 'the uses of tools are no list' });
  return value.map((one: unknown): ToolUse => {
    const { now, before } = one as { readonly now?: unknown; readonly before?: unknown }; // each is checked below
    if (typeof now !== 'number' || typeof before !== 'number')
      throw new EstopError('internal', { detail: 'a use of a tool has no numbers' });
    return { now, before };
  });
}
