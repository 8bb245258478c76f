import { Context } from '@temporalio/activity';

/** A heartbeat's answer is how a running activity hears of a cancellation; the worker sends at most one in 500 ms. */
const heartbeatEveryMs = 400;
/**
 * Each is a write to the server's own store. Hundreds of calls that wait for a model would take it from the workflows, and from a
 * stop of them, so all that run here share this many; one among few still hears within half a second.
 */
const heartbeatsPerSecond = 50;
/** Three fit into the heartbeat timeout. */
const heartbeatCeilingMs = 3_000;
let running = 0;

const pauseMs = (): number =>
  Math.min(heartbeatCeilingMs, Math.max(heartbeatEveryMs, (running * 1_000) / heartbeatsPerSecond));

/**
 * Runs `work` with the signal that ends it when the task is killed. The first heartbeat waits one period: calls that are over
 * by then cost Temporal nothing extra. What it keeps goes with every later one: Temporal hands it over should this worker be lost.
 */
export async function beating<Result>(
  work: (signal: AbortSignal, keep: (details: unknown) => void) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let kept: unknown;
  let timer: NodeJS.Timeout | undefined;
  const beatLater = (): void => {
    timer = setTimeout(() => {
      // Nobody waits for it any more.
      if (context.cancellationDetails?.notFound === true) return;
      context.heartbeat(kept);
      beatLater();
    }, pauseMs());
  };
  running += 1;
  beatLater();
  try {
    return await work(context.cancellationSignal, (details) => {
      kept = details;
    });
  } finally {
    running -= 1;
    clearTimeout(timer);
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
