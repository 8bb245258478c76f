const ticks = 10;

/**
 * Acts after `ms` in which this process ran; gives what takes it back. One timer over the whole time would be due at once after the
 * process was starved or suspended, before the answer that came meanwhile is read from its socket: what had been done would be taken
 * for lost. Of one sleep it counts no more than a tenth of `ms`. Not protected: who sleeps in the last tenth finds its time over at once.
 */
export function afterAwake(ms: number, act: () => void): () => void {
  let left = ticks;
  let timer: NodeJS.Timeout;
  const tick = (): void => {
    left -= 1;
    if (left < 0) return act();
    timer = setTimeout(tick, ms / ticks);
    timer.unref();
  };
  tick();
  return () => clearTimeout(timer);
}

/** As `AbortSignal.timeout(ms)`, in time in which this process ran. */
export function awakeTimeout(ms: number): AbortSignal {
  const overdue = new AbortController();
  afterAwake(ms, () => overdue.abort(new DOMException('the deadline is over', 'TimeoutError')));
  return overdue.signal;
}
