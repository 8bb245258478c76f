import { errorCodeOf } from '../core/errors.ts';
import { createAttemptCount, noteRefusedAttempts, type RefusedAttempt } from '../store/refused-attempts.ts';
import type { ControlDeps } from './deps.ts';

export interface RefusedAttempts {
  /** Counted at once, written soon: nobody waits for it, and whoever is refused least of all. */
  note(attempt: RefusedAttempt): void;
}

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
  const writeInTurn = async (): Promise<void> => {
    isBusy = true;
    while (!seen.isEmpty()) {
      const taken = seen.take();
      await noteRefusedAttempts(store, taken).catch((thrown: unknown) => {
        seen.giveBack(taken);
        log.warn({ event: 'audit.late', code: errorCodeOf(thrown) }, 'refused attempts could not be recorded yet');
      });
      await new Promise<void>((resolve) => setTimeout(resolve, everyMs).unref());
    }
    isBusy = false;
  };
  return {
    note: (attempt) => {
      seen.note(attempt);
      if (!isBusy) void writeInTurn();
    },
  };
}
