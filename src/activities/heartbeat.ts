import { Context } from '@temporalio/activity';

/** A heartbeat's answer is how a running activity hears of a cancellation; the worker sends at most one in 500 ms. */
const heartbeatEveryMs = 400;

/**
 * Runs `work` with the signal that ends it when the task is killed. The first heartbeat waits one period: calls that are over
 * by then cost Temporal nothing extra.
 */
export async function beating<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), heartbeatEveryMs);
  try {
    return await work(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}

/** Ends what must not end for anything less: an attempt that Temporal has given up is not aborted by it. */
export function workerShutdown(): AbortSignal {
  const context = Context.current();
  const { cancellationSignal } = context;
  const shutdown = new AbortController();
  const look = (): void => {
    if (context.cancellationDetails?.workerShutdown === true) shutdown.abort(cancellationSignal.reason);
  };
  if (cancellationSignal.aborted) look();
  else cancellationSignal.addEventListener('abort', look, { once: true });
  return shutdown.signal;
}
