import type { Log } from '../../contract/identity.ts';
import { leaseMs } from '../../contract/numbers.ts';
import { continueTrace } from '../../contract/tracing.ts';
import { scopeWidth } from '../../core/scope-key.ts';
import { closeStaleApprovals, noteElapsed, noteStopSeen, reportFence } from '../../store/fence.ts';
import { retireLapsedGateways } from '../../store/gateways.ts';
import { openEndObligations, openObligations, wipeFinishedGrants } from '../../store/obligations.ts';
import type { Store } from '../../store/pool.ts';
import { listProvedStops, listUnprovedStops, type UnprovedStop } from '../../store/relay.ts';
import type { Round } from './keep-going.ts';

const unfencedPauseMs = 100;
const pauseMs = 250;
const provedAtOnce = 10;
/** How often a look through all of them may begin. */
const provedEveryMs = 1_000;
/** Of one width in one round: whatever there are of it, a wider stop that is latched meanwhile waits for no more. */
const portion = 32;
const gatewayLapsedMs = 60_000;

/**
 * What needs the store alone: first sight, the report of the fence, obligations. So a stop is fenced and its obligations are known
 * while Temporal is away. Proved stops that are in force are looked at as well, a few in each round: a label given to an agent now,
 * or a mint whose worker died, can bring them new work. Wide stops go first, and each width has its own turns, so that neither a crowd
 * of task stops nor wide ones that stay unproved hold up the others. rule: obligations-polled, task-end-ends-grants
 */
export function ledgerRound(
  store: Store,
  log: Log,
  now: () => number = () => performance.now(),
  /** There is something new for Temporal. */
  onNews: () => void = () => undefined,
  /** Before anybody works a stop off. Never throws. */
  bind: (stopId: string) => Promise<void> = async () => undefined,
): Round {
  const proved = new ProvedStops(store);
  const turns = new Turns();
  let waitedSince: ReadonlyMap<string, number> = new Map();
  return {
    name: 'ledger',
    run: async () => {
      let isUnfenced = false;
      const unproved = await listUnprovedStops(store);
      const seenAt = now();
      waitedSince = new Map(
        unproved
          .filter((stop) => !stop.fenced)
          .map(({ stopId }) => [stopId, waitedSince.get(stopId) ?? seenAt] as const),
      );
      const due = turns.next(unproved);
      for (const stop of due) {
        const hasWaited = seenAt - (waitedSince.get(stop.stopId) ?? seenAt) >= leaseMs;
        const fenced = await continueTrace(stop.trace ?? {}, () => advance(store, stop, hasWaited, log, onNews, bind));
        isUnfenced = !fenced || isUnfenced;
      }
      if ((await openEndObligations(store)) > 0) onNews();
      if ((await proved.openObligations(seenAt)) > 0) onNews();
      const isDue = new Set(due.map(({ stopId }) => stopId));
      if (unproved.some(({ stopId, fenced }) => !fenced && !isDue.has(stopId))) return 0;
      return isUnfenced ? unfencedPauseMs : pauseMs;
    },
  };
}

/** In force and proved: a few at a time, and once through all of them seldom. */
class ProvedStops {
  readonly #store: Store;
  #afterEpoch = 0;
  #begunAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many there were to open. */
  async openObligations(now: number): Promise<number> {
    if (this.#afterEpoch === 0) {
      if (now - this.#begunAt < provedEveryMs) return 0;
      this.#begunAt = now;
    }
    const stops = await listProvedStops(this.#store, this.#afterEpoch, provedAtOnce);
    let opened = 0;
    for (const { stopId } of stops) opened += await openObligations(this.#store, stopId);
    this.#afterEpoch = stops.length < provedAtOnce ? 0 : (stops.at(-1)?.epoch ?? 0);
    return opened;
  }
}

/** In portions, by width and by whether it is fenced; each goes round and round, so that every stop has its turn. */
class Turns {
  readonly #lastEpoch = new Map<string, number>();

  next(stops: readonly UnprovedStop[]): readonly UnprovedStop[] {
    const groups = new Map<string, UnprovedStop[]>();
    for (const stop of stops) {
      const name = `${scopeWidth(stop.scopeKey)} ${stop.fenced}`;
      const group = groups.get(name) ?? [];
      groups.set(name, group);
      group.push(stop);
    }
    return [...groups].flatMap(([name, group]) => {
      const last = this.#lastEpoch.get(name) ?? 0;
      const after = group.filter(({ epoch }) => epoch > last);
      const taken = [...after, ...group.filter(({ epoch }) => epoch <= last)].slice(0, portion);
      this.#lastEpoch.set(name, taken.at(-1)?.epoch ?? 0);
      return taken;
    });
  }
}

/**
 * One stop that cannot be advanced must not hold up the others. The database's clock may step forward, so that to it a lease is over
 * which a gateway still holds: none is called expired before this process has itself waited for one, by a clock that does not step.
 * rule: expired-not-before-commit-plus-lease
 */
async function advance(
  store: Store,
  stop: UnprovedStop,
  hasWaited: boolean,
  log: Log,
  onNews: () => void,
  bind: (stopId: string) => Promise<void>,
): Promise<boolean> {
  try {
    if (!stop.seen) {
      await bind(stop.stopId);
      await noteStopSeen(store, stop.stopId);
    }
    const fenced = stop.fenced || (await reportFence(store, stop.stopId, hasWaited ? leaseMs : undefined));
    const opened = await openObligations(store, stop.stopId);
    if (opened > 0 || !stop.seen) onNews();
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

/** A round of its own: however long it takes, or whatever it fails of, the others' work is done. */
export function elapsedRound(store: Store): Round {
  return {
    name: 'elapsed',
    run: async () => {
      await noteElapsed(store);
      return 1_000;
    },
  };
}
