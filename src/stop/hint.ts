import { stopHintChannel } from '../contract/names.ts';
import type { LatchLine } from './latch-line.ts';
import { within } from './within.ts';

export interface Hint {
  /** Returns at once; nobody waits for it and nothing depends on it. */
  send(epoch: number): void;
  close(): void;
}

const hintPatienceMs = 2_000;

/**
 * NOTIFY takes a lock of the whole database while it commits, and can hang there behind another. So it is sent after the latch has
 * committed, in a call and on a connection of its own, one at a time; of several waiting only the newest matters.
 * rule: notify-after-commit
 */
export function createHint(open: () => Promise<LatchLine>): Hint {
  let line: LatchLine | undefined;
  let waiting: number | undefined;
  let sending = false;
  let closed = false;

  const drain = async (): Promise<void> => {
    if (sending) return;
    sending = true;
    try {
      while (waiting !== undefined && !closed) {
        const epoch = waiting;
        waiting = undefined;
        line ??= await open();
        if (closed) return; // while it was being opened
        await within(hintPatienceMs, line.hint(stopHintChannel, String(epoch)));
      }
    } catch {
      line?.discard(); // a lost hint costs a poll
      line = undefined;
    } finally {
      sending = false;
      if (closed) line?.discard();
    }
  };
  return {
    send: (epoch) => {
      waiting = Math.max(epoch, waiting ?? 0);
      void drain();
    },
    close: () => {
      closed = true;
      line?.discard();
    },
  };
}
