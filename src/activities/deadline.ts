import { afterAwake } from '../connectors/kit/awake-time.ts';
import { EstopError } from '../core/errors.ts';

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
  const cancel = afterAwake(ms, () => overdue.abort(new DOMException('the deadline is over', 'TimeoutError')));
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
