import { randomBytes } from 'node:crypto';
import type { Log } from '../../contract/identity.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { judge, onBreaker } from '../../core/breaker.ts';
import { formatId } from '../../core/ids.ts';
import { agentKey } from '../../core/scope-key.ts';
import {
  type BreakerTripRecord,
  listTripsToLatch,
  type MeasuredBreaker,
  measureBreakers,
  noteBreakerLook,
  noteTripLatched,
  type QuietBreaker,
  rearmBreakers,
  tidyLimits,
  tripBreaker,
} from '../../store/breakers.ts';
import type { Store } from '../../store/pool.ts';
import type { Round } from './keep-going.ts';

interface BreakerDeps {
  readonly store: Store;
  readonly environment: string;
  /** The latch of anybody's stop: committed when it resolves, tried again when it throws. */
  readonly latch: (order: StopOrder) => Promise<void>;
  readonly log: Log;
}

const floorMs = 500;
const ceilingMs = 3_000;
/** On a store that is slow, looking must not become its main work. */
const restTimes = 9;

/**
 * Judges every breaker of every agent by what the gateways counted. A trip is written first; what it does follows from the row, so
 * a relay that is killed in between has forgotten nothing: a hold is the row itself, a stop is latched by whoever finds it unlatched,
 * under the id in the row. Trips that are not latched yet come first, so that nothing about judging can delay a stop.
 */
export function breakerRound(deps: BreakerDeps): Round {
  const { store } = deps;
  return {
    name: 'breakers',
    run: async () => {
      const begun = performance.now();
      await latchTrips(deps);
      const measured = await measureBreakers(store);
      const quiet: QuietBreaker[] = [];
      let hasTripped = false;
      for (const one of measured) {
        const verdict = await judgeOne(deps, one);
        if (verdict === 'cleared') quiet.push({ agentId: one.agentId, breaker: one.rule.breaker });
        hasTripped ||= verdict === 'tripped';
      }
      await rearmBreakers(store, quiet);
      // Last: a look that failed half way was none, and agents whose breakers act are let through only under fresh looks.
      await noteBreakerLook(store);
      if (hasTripped) await latchTrips(deps);
      return Math.min(ceilingMs, Math.max(floorMs, (performance.now() - begun) * restTimes));
    },
  };
}

/** Old counts become the agent's past, old budgets go. */
export function limitsTidyRound(store: Store, olderMs: number, atMost = 500): Round {
  return {
    name: 'limits-tidy',
    run: async () => ((await tidyLimits(store, olderMs, atMost)) < atMost ? 60_000 : 1_000),
  };
}

async function judgeOne(
  { store, environment, log }: BreakerDeps,
  { agentId, rule, conduct, openAction }: MeasuredBreaker,
): Promise<'tripped' | 'cleared' | 'unchanged'> {
  const { kind: verdict, measured, sample } = judge(rule, conduct);
  const open = openAction === undefined ? undefined : { action: openAction, latched: false };
  const { answer } = onBreaker(open, { kind: 'judged', verdict, action: rule.action });
  if (answer === 'cleared') return answer;
  if (answer !== 'tripped') return 'unchanged';
  const stopId = rule.action === 'stop' ? mintStopId(environment) : undefined;
  const trip = { agentId, rule, measured, sample, ...(stopId === undefined ? {} : { stopId }) };
  if (!(await tripBreaker(store, trip))) return 'unchanged';
  log.warn({ event: 'breaker.tripped', agentId, ...rule, measured, sample, stopId }, 'a breaker tripped');
  return 'tripped';
}

async function latchTrips({ store, latch, log }: BreakerDeps): Promise<void> {
  for (const trip of await listTripsToLatch(store)) {
    if (trip.stopId === undefined) continue;
    await latch(orderOf(trip, trip.stopId));
    // Not noted: its id stands for another stop. It goes on holding, and people see it in the log.
    if (!(await noteTripLatched(store, trip.stopId)))
      log.error(
        { event: 'breaker.not-latched', ...trip },
        'the stop of a breaker is not in the ledger; its agent is held',
      );
  }
}

function orderOf(trip: BreakerTripRecord, stopId: string): StopOrder {
  const { agentId, breaker, measured, most, withinMs } = trip;
  return {
    stopId,
    scopeKey: agentKey(agentId),
    category: 0,
    graceMs: 0,
    reason: `breaker ${breaker}: ${measured}, more than ${most} within ${Math.round(withinMs / 1_000)} s`,
    actor: 'breaker',
    method: 'breaker',
  };
}

function mintStopId(environment: string): string {
  return formatId('stop', environment, randomBytes(16));
}
