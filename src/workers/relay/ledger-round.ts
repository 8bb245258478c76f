import type { Log } from '../../contract/identity.ts';
import { leaseMs } from '../../contract/numbers.ts';
import { closeStaleApprovals, noteStopSeen, reportFence } from '../../store/fence.ts';
import { retireLapsedGateways } from '../../store/gateways.ts';
import { openEndObligations, openObligations, wipeFinishedGrants } from '../../store/obligations.ts';
import type { Store } from '../../store/pool.ts';
import { listWatchedStops, type WatchedStop } from '../../store/relay.ts';
import type { Round } from './keep-going.ts';

const unfencedPauseMs = 100;
const pauseMs = 250;
const gatewayLapsedMs = 60_000;

/**
 * What needs the store alone: first sight, the report of the fence, obligations. So a stop is fenced and its obligations are known
 * while Temporal is away. Polled for every stop that is in force or not proved. rule: obligations-polled, task-end-ends-grants
 */
export function ledgerRound(store: Store, log: Log): Round {
  return {
    name: 'ledger',
    run: async () => {
      const stops = await listWatchedStops(store);
      let isUnfenced = false;
      for (const stop of stops) isUnfenced = !(await advance(store, stop, log)) || isUnfenced;
      await openEndObligations(store);
      return isUnfenced ? unfencedPauseMs : pauseMs;
    },
  };
}

/** One stop that cannot be advanced must not hold up the others. */
async function advance(store: Store, stop: WatchedStop, log: Log): Promise<boolean> {
  try {
    if (!stop.seen) await noteStopSeen(store, stop.stopId);
    const fenced = stop.fenced || (await reportFence(store, stop.stopId, leaseMs));
    await openObligations(store, stop.stopId);
    return fenced;
  } catch (thrown) {
    log.warn(
      { event: 'relay.stop-held-up', stopId: stop.stopId, cause: String(thrown) },
      'a stop could not be advanced in this round',
    );
    return false;
  }
}

/** Housekeeping: nothing waits for it. */
export function tidyRound(store: Store): Round {
  return {
    name: 'tidy',
    run: async () => {
      await wipeFinishedGrants(store);
      await retireLapsedGateways(store, gatewayLapsedMs);
      await closeStaleApprovals(store);
      return 1_000;
    },
  };
}
