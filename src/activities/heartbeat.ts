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
