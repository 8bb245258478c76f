import { setTimeout as sleep } from 'node:timers/promises';
import { isPhaseOver, type PhaseKey } from '../store/lanes.ts';
import type { Store } from '../store/pool.ts';

/**
 * An attempt that began longer ago, before it waited for its turn or its process was suspended, may be in other hands by now, and what
 * it was to cut may be cut and proved: a cut that came so late would meet whatever a new generation has there. Not protected: a process
 * that is suspended behind this look, with the request to the system still before it.
 */
const ownForMs = 1_000;
/** Time for new connections after a sleep has broken the old ones. */
const lookForMs = 1_000;
const againMs = 100;

/** Begins to count. True, then: too late, somebody else has seen to it. */
export function lateFrom(store: Store, key: PhaseKey): (attemptMs: number) => Promise<boolean> {
  // A machine that sleeps stops the one clock, and only a step can stop the other.
  const [awake, wall] = [performance.now(), Date.now()];
  return async (attemptMs) => {
    const isOwn = Math.max(performance.now() - awake, Date.now() - wall) <= ownForMs;
    return !isOwn && isOverInTime(store, key, Math.min(lookForMs, attemptMs / 2));
  };
}

/**
 * A store that is away, or slow, forbids no cut: then it is not known to be late, and what is cut once too often does less harm than
 * what is left alive for as long as the store is away.
 */
async function isOverInTime(store: Store, key: PhaseKey, ms: number): Promise<boolean> {
  const waiting = new AbortController();
  const nobodySays = sleep(ms, false, { signal: waiting.signal });
  const look = async (): Promise<boolean> => {
    while (!waiting.signal.aborted) {
      try {
        return await isPhaseOver(store, key);
      } catch {
        await sleep(againMs);
      }
    }
    return false;
  };
  try {
    return await Promise.race([look(), nobodySays]);
  } finally {
    nobodySays.catch(() => undefined);
    waiting.abort();
  }
}
