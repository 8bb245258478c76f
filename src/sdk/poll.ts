import { setTimeout as pause } from 'node:timers/promises';

export interface WaitOptions<Value> {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called with every answer, also the last. */
  readonly onProgress?: (value: Value) => void;
}

const firstPauseMs = 100;
const longestPauseMs = 1_000;

/** Asks until it is done or the time is over, and returns the last answer either way: what it means is for the caller to read. */
export async function pollUntil<Value>(
  read: () => Promise<Value>,
  isDone: (value: Value) => boolean,
  options: WaitOptions<Value>,
): Promise<Value> {
  const deadline = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.3)) {
    const value = await read();
    options.onProgress?.(value);
    const leftMs = deadline - performance.now();
    if (isDone(value) || leftMs <= 0) return value;
    await pause(Math.min(pauseMs, leftMs), undefined, { signal: options.signal });
  }
}
