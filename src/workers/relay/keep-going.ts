import type { Log } from '../../contract/identity.ts';
import { errorCodeOf } from '../../core/errors.ts';

export interface Round {
  readonly name: string;
  /** Does what is due now and says after how many milliseconds it wants to be asked again. */
  readonly run: () => Promise<number>;
}

export interface Rounds {
  /** Something happened: go again at once. */
  wake(): void;
  close(): Promise<void>;
}

const retryFloorMs = 100;
const retryCeilingMs = 1_000;

/**
 * Repeats a round for ever. Whatever it throws, the store or Temporal being away most of all, is said once, when it begins and when
 * it is over; meanwhile it is tried again at least every second. One round of a kind runs at a time.
 */
export function keepGoing(
  { name, run }: Round,
  log: Log,
  onFailure: (round: string) => void = () => undefined,
): Rounds {
  let closed = false;
  let failures = 0;
  let wakeUp: () => void = () => undefined;
  let woken = false;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (woken || closed) return resolve();
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const once = async (): Promise<number> => {
    try {
      const next = await run();
      if (failures > 0) log.info({ event: 'relay.back', round: name, failures }, 'a part of the relay works again');
      failures = 0;
      return next;
    } catch (thrown) {
      failures += 1;
      onFailure(name);
      if (failures === 1)
        log.warn(
          { event: 'relay.trouble', round: name, code: errorCodeOf(thrown), cause: String(thrown) },
          'a part of the relay cannot do its work; it is tried again',
        );
      return Math.min(retryFloorMs * 2 ** (failures - 1), retryCeilingMs);
    }
  };
  const loop = async (): Promise<void> => {
    while (!closed) {
      woken = false;
      await pause(await once());
    }
  };
  const running = loop();
  return {
    wake: () => {
      woken = true;
      wakeUp();
    },
    close: async () => {
      closed = true;
      wakeUp();
      await running;
    },
  };
}
