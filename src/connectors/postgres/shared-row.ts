import { setTimeout as sleep } from 'node:timers/promises';
import { hasSqlState } from './sql-error.ts';

const rounds = 12;
const stepMs = 25;

/**
 * PostgreSQL does not queue changes to one row of its catalogue (the rights on a schema, say): of two at once the second fails as
 * "tuple concurrently updated", XX000, and need only be tried again; so after a deadlock, 40P01. `act` is one statement or one whole
 * transaction.
 */
export async function onSharedRow<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  for (let round = 1; ; round += 1) {
    try {
      return await act();
    } catch (thrown) {
      if (round === rounds || !hasSqlState(thrown, 'XX000', '40P01')) throw thrown;
      await sleep(Math.random() * stepMs * round, undefined, { signal });
    }
  }
}
