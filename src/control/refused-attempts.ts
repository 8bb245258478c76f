import { errorCodeOf } from '../core/errors.ts';
import { createAttemptCount, noteRefusedAttempts, type RefusedAttempt } from '../store/refused-attempts.ts';
import type { ControlDeps } from './deps.ts';

export interface RefusedAttempts {
  /** Counted at once, written soon: nobody waits for it, and whoever is refused least of all. */
  note(attempt: RefusedAttempt): void;
  /** Whether a refusal of somebody who is known still stands by itself. Beyond that theirs are counted, too. */
  standsAlone(actor: string): boolean;
}

/** Of one actor in a minute: more than a person comes to by hand, and than an incident is about. */
const mostAlone = 60;
const minuteMs = 60_000;

/**
 * Attempts of nobody who is known here, for the audit: counted by source, all of them in one statement, and at most one of these in a
 * second, so that a flood costs the store next to nothing and takes no connection from anybody who is known. The first of them stands
 * there at once. Not protected: what was counted in the last second before this process is killed.
 */
export function createRefusedAttempts(
  { store, log }: Pick<ControlDeps, 'store' | 'log'>,
  everyMs = 1_000,
): RefusedAttempts {
  const seen = createAttemptCount();
  let isBusy = false;
  let isLate = false;
  let minute = 0;
  let refusals = new Map<string, number>();
  const writeInTurn = async (): Promise<void> => {
    isBusy = true;
    while (!seen.isEmpty()) {
      const taken = seen.take();
      try {
        await noteRefusedAttempts(store, taken);
        isLate = false;
      } catch (thrown) {
        seen.giveBack(taken);
        if (!isLate)
          log.warn({ event: 'audit.late', code: errorCodeOf(thrown) }, 'refused attempts could not be recorded yet');
        isLate = true;
      }
      await new Promise<void>((resolve) => setTimeout(resolve, everyMs).unref());
    }
    isBusy = false;
  };
  return {
    standsAlone: (actor) => {
      const current = Math.floor(performance.now() / minuteMs);
      if (current !== minute) [minute, refusals] = [current, new Map()];
      const before = refusals.get(actor) ?? 0;
      refusals.set(actor, before + 1);
      return before < mostAlone;
    },
    note: (attempt) => {
      seen.note(attempt);
      if (!isBusy) void writeInTurn();
    },
  };
}
