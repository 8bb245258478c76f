import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../contract/identity.ts';
import { beatEveryMs } from '../contract/numbers.ts';
import type { LatchLine } from './latch-line.ts';
import { within } from './within.ts';

interface BeatOptions {
  readonly open: () => Promise<LatchLine>;
  readonly processName: string;
  readonly log: Log;
}

export interface Beat {
  /** Milliseconds since the last mark that committed; undefined before the first. */
  age(): number | undefined;
  close(): void;
}

const beatPatienceMs = 2_000;
const retryMs = 250;

/**
 * Exercises the latch function every second, on a connection of its own. Every gateway's lease hangs on these marks: if a latch
 * could not commit, or this process is dead, all of them stop within one lease. rule: beat
 */
export function startBeat({ open, processName, log }: BeatOptions): Beat {
  const closing = new AbortController();
  let lastAt: number | undefined;
  let line: LatchLine | undefined;
  let healthy = true;

  const beatOnce = async (): Promise<void> => {
    line ??= await open();
    await within(beatPatienceMs, line.beat(processName));
    lastAt = performance.now();
  };
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const begun = performance.now();
      let pause = beatEveryMs;
      try {
        await beatOnce();
        if (!healthy) log.info({ event: 'beat.back' }, 'the latch can commit again');
        healthy = true;
      } catch (cause) {
        line?.discard();
        line = undefined;
        if (healthy)
          log.error(
            { event: 'beat.lost', cause: String(cause) },
            'the latch cannot commit; gateways stop when their lease ends',
          );
        healthy = false;
        pause = retryMs;
      }
      await sleep(Math.max(0, pause - (performance.now() - begun)), undefined, { signal: closing.signal }).catch(
        () => undefined,
      );
    }
    line?.discard();
  };
  void run();
  return {
    age: () => (lastAt === undefined ? undefined : performance.now() - lastAt),
    close: () => {
      closing.abort();
      line?.discard();
    },
  };
}
