import { Worker } from 'node:worker_threads';
import { sourceExtension } from '../../runtime/package-root.ts';
import type { BacktestOrder, BacktestOutcome } from './order.ts';

const thread = new URL(`thread${sourceExtension}`, import.meta.url);

export interface ThreadBounds {
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

export type ThreadOutcome =
  | BacktestOutcome
  /** Ended from here: its time was over, or nobody waits for it any more. */
  | { readonly kind: 'out-of-time' }
  | { readonly kind: 'out-of-memory' };

/** Whatever it does, it is over after its time: a thread can be ended in the middle of a loop, a promise cannot. */
export function runInThread(order: BacktestOrder, { patienceMs, signal }: ThreadBounds): Promise<ThreadOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(thread, {
      workerData: order,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 },
    });
    const end = (outcome: ThreadOutcome): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', late);
      void worker.terminate();
      resolve(outcome);
    };
    const late = (): void => end({ kind: 'out-of-time' });
    const timer = setTimeout(late, patienceMs);
    signal.addEventListener('abort', late);
    worker.once('message', (outcome: BacktestOutcome) => end(outcome));
    worker.once('error', (error: NodeJS.ErrnoException) =>
      end(
        error.code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? { kind: 'out-of-memory' }
          : { kind: 'failed', detail: error.message },
      ),
    );
    worker.once('exit', () => end({ kind: 'failed', detail: 'the thread ended without a word' }));
    // A process that ends does not wait for it.
    worker.unref();
    timer.unref();
    if (signal.aborted) late();
  });
}
