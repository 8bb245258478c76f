import { setTimeout as pause } from 'node:timers/promises';

export interface Wake {
  readonly up: () => void;
  /** Until it is called or so long. What came since it last waited counts as a call. */
  readonly wait: (ms: number) => Promise<void>;
}

/** However many calls come, so long it rests. */
const restMs = 20;

export function createWake(): Wake {
  let isUp = false;
  let rouse: (() => void) | undefined;
  const call = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      rouse = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  return {
    up: () => {
      isUp = true;
      rouse?.();
    },
    wait: async (ms) => {
      await pause(Math.min(restMs, ms));
      if (!isUp && ms > restMs) await call(ms - restMs);
      rouse = undefined;
      isUp = false;
    },
  };
}
