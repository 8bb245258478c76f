import { EstopError } from '../core/errors.ts';

const ticks = 10;

/**
 * Runs `work` with a signal that is aborted at the deadline or when `outer` is, and ends then whatever `work` does: a connector that
 * ignores its signal may hang, but its lane's attempt does not.
 */
export async function underDeadline<Result>(
  ms: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const overdue = new AbortController();
  const signal = AbortSignal.any([outer, overdue.signal]);
  const cancel = afterTicks(ms, () => overdue.abort(new DOMException('the deadline is over', 'TimeoutError')));
  const working = work(signal);
  working.catch(() => undefined); // after the deadline nobody listens any more
  let giveUp: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    giveUp = () => {
      const detail = outer.aborted ? 'the worker shuts down' : `no answer within ${ms} ms`;
      reject(new EstopError('connector-unavailable', { detail }));
    };
  });
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([working, late]);
  } finally {
    cancel();
    signal.removeEventListener('abort', giveUp);
  }
}

/**
 * Counts only time in which this process ran. One timer over the whole time would be due at once after the process was starved, before
 * the answer that came meanwhile is read: what had been done would be taken for lost, and done again.
 */
function afterTicks(ms: number, act: () => void): () => void {
  let left = ticks;
  let timer: NodeJS.Timeout;
  const tick = (): void => {
    left -= 1;
    if (left < 0) return act();
    timer = setTimeout(tick, ms / ticks);
  };
  tick();
  return () => clearTimeout(timer);
}
