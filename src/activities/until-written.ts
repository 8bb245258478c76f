import { setTimeout as sleep } from 'node:timers/promises';
import { errorCodeOf } from '../core/errors.ts';
import type { Store } from '../store/pool.ts';

const pauseFloorMs = 50;
const pauseCeilingMs = 1_000;

/**
 * Writes down what has been done, again and again while the store cannot take it: thrown away, it would have to be done once more.
 * Ends without having written when the process does; then nobody knows, and the next attempt has to assume that it was not done.
 */
export async function untilWritten(store: Store, shutdown: AbortSignal, write: () => Promise<void>): Promise<void> {
  for (let pause = pauseFloorMs; ; pause = Math.min(pause * 2, pauseCeilingMs)) {
    try {
      return await write();
    } catch (thrown) {
      if (errorCodeOf(thrown) !== 'store-unavailable' || store.ending || shutdown.aborted) throw thrown;
    }
    await sleep(pause);
  }
}
