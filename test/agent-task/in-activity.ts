import { asyncLocalStorage, type Context } from '@temporalio/activity';

/** Runs what an activity runs, outside a worker. It asks only for these of its context. */
export function inActivity<Result>(
  work: () => Promise<Result>,
  cancellationSignal: AbortSignal = new AbortController().signal,
  attempt = 1,
): Promise<Result> {
  const context = {
    cancellationSignal,
    cancellationDetails: undefined,
    heartbeat: () => undefined,
    info: { attempt },
  };
  return asyncLocalStorage.run(context as unknown as Context, work); // only a worker can make a whole Context
}
