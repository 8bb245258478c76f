import { errorCodeOf } from '../core/errors.ts';
import { noteRefusedAttempts, type RefusedAttempt } from '../store/refused-attempts.ts';
import type { ControlDeps } from './deps.ts';

export interface RefusedAttempts {
  /** Counted at once, written soon: nobody waits for it, and whoever is refused least of all. */
  note(attempt: RefusedAttempt): void;
}

/** So many different ones at one door in a minute stand by themselves; whatever else comes is counted as of others. */
const mostOfDoor = 20;
const minuteMs = 60_000;
const othersSource = 'others';
const othersSubject = 'various';

interface Counted {
  readonly attempt: RefusedAttempt;
  times: number;
}

/**
 * Attempts of nobody who is known here, for the audit. Whoever sends them sends as many as they like: they are counted by source, one
 * statement writes all of them, and there is at most one of these in a second, so that a flood costs the store next to nothing and takes
 * no connection from anybody who is known. The first of them stands there at once. Not protected: what was counted in the last second
 * before this process is killed.
 */
export function createRefusedAttempts(
  { store, log }: Pick<ControlDeps, 'store' | 'log'>,
  everyMs = 1_000,
): RefusedAttempts {
  let counted = new Map<string, Counted>();
  let minute = 0;
  let known = new Map<string, Set<string>>();
  let isBusy = false;
  const bounded = (attempt: RefusedAttempt): RefusedAttempt => {
    const now = Math.floor(performance.now() / minuteMs);
    if (now !== minute) [minute, known] = [now, new Map()];
    const ofDoor = known.get(attempt.door) ?? new Set();
    known.set(attempt.door, ofDoor);
    const key = keyOf(attempt);
    if (ofDoor.has(key) || ofDoor.size < mostOfDoor) {
      ofDoor.add(key);
      return attempt;
    }
    return { door: attempt.door, source: othersSource, subject: othersSubject, because: 'various' };
  };
  const count = (attempt: RefusedAttempt, times: number): void => {
    const held = counted.get(keyOf(attempt));
    if (held === undefined) counted.set(keyOf(attempt), { attempt, times });
    else held.times += times;
  };
  const write = async (): Promise<void> => {
    const batch = counted;
    counted = new Map();
    try {
      await noteRefusedAttempts(
        store,
        [...batch.values()].map(({ attempt, times }) => ({ ...attempt, times })),
      );
    } catch (thrown) {
      // Kept, and written when the store is back.
      for (const { attempt, times } of batch.values()) count(attempt, times);
      log.warn({ event: 'audit.late', code: errorCodeOf(thrown) }, 'refused attempts could not be recorded yet');
    }
  };
  const writeInTurn = async (): Promise<void> => {
    isBusy = true;
    while (counted.size > 0) {
      await write();
      await new Promise<void>((resolve) => setTimeout(resolve, everyMs).unref());
    }
    isBusy = false;
  };
  return {
    note: (attempt) => {
      count(bounded(attempt), 1);
      if (!isBusy) void writeInTurn();
    },
  };
}

const keyOf = ({ door, source, subject, because }: RefusedAttempt): string =>
  JSON.stringify([door, source, subject, because]);
