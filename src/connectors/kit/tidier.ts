export interface Tidier {
  /** Starts the work unless it was started less than a while ago. Returns at once: nobody waits for tidying up. */
  start(work: (signal: AbortSignal) => Promise<unknown>): void;
  stop(): Promise<void>;
}

const pauseMs = 60_000;
const patienceMs = 10_000;

/** For what a connector leaves behind and takes away later, on the occasion of an issue. Whatever fails is tried at the next one. */
export function tidier(now: () => Date): Tidier {
  const stopping = new AbortController();
  let startedAt = Number.NEGATIVE_INFINITY;
  let running: Promise<unknown> = Promise.resolve();
  return {
    start: (work) => {
      if (stopping.signal.aborted || now().getTime() - startedAt < pauseMs) return;
      startedAt = now().getTime();
      running = work(AbortSignal.any([stopping.signal, AbortSignal.timeout(patienceMs)])).catch(() => undefined);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
