import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../contract/identity.ts';
import { intakeRetryMs, latchPatienceMs } from '../contract/numbers.ts';
import type { StopOrder } from '../contract/stop.ts';
import type { Intake } from './intake.ts';
import type { LatchRow } from './latch-line.ts';
import type { LatchLines } from './latch-lines.ts';

export type Placed =
  | { readonly kind: 'latched'; readonly row: LatchRow }
  | { readonly kind: 'accepted' }
  /** This id stands for another stop already, or for one that was reset: what was ordered is not in force. */
  | { readonly kind: 'conflict'; readonly row: LatchRow }
  | { readonly kind: 'failed'; readonly causes: readonly string[] };

interface Roads {
  readonly lines: LatchLines;
  readonly intake: Intake;
  /** After a latch has committed. Must return at once. */
  readonly onLatched: (row: LatchRow) => void;
  /** The process closes. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** Neither road has acknowledged by then: the caller is told, and how to do it by hand. */
export const giveUpMs = 10_000;
const intakeTryMs = 3_000;
/** Bounds what a long outage can pile up here; the intake holds every accepted order in any case. */
const pursuedAtMost = 256;
let pursued = 0;

/**
 * Two roads for one order. The store is asked first; if it has not committed within its patience, or fails, the same order goes
 * through Temporal as well, and whichever acknowledges first is the answer. An order that was only accepted is pursued at the
 * store all the same: the same id is the same stop, latched once, on whatever road. rule: accepted-is-not-latched
 */
export function placeOrder(order: StopOrder, roads: Roads): Promise<Placed> {
  const causes: string[] = [];
  const overdue = new AbortController();
  const latched = new AbortController();
  return new Promise((resolve) => {
    const startIntake = once(() => void throughIntake());
    const patience = setTimeout(startIntake, latchPatienceMs);
    const giveUp = setTimeout(() => {
      overdue.abort();
      resolve({ kind: 'failed', causes });
    }, giveUpMs);
    const settle = (placed: Placed): void => {
      clearTimeout(patience);
      clearTimeout(giveUp);
      overdue.abort();
      resolve(placed);
    };

    const throughStore = async (): Promise<void> => {
      const row = await pursue(order, roads, (cause) => {
        causes.push(cause);
        startIntake();
      });
      if (row === undefined) return;
      latched.abort();
      const isAnother = row.scopeKey !== order.scopeKey || row.category !== order.category;
      if (isAnother || row.resetAt !== undefined) return settle({ kind: 'conflict', row });
      roads.onLatched(row);
      settle({ kind: 'latched', row });
    };
    const throughIntake = async (): Promise<void> => {
      while (!overdue.signal.aborted && !roads.signal.aborted) {
        try {
          await roads.intake.accept(order, intakeTryMs);
          return settle({ kind: 'accepted' });
        } catch (cause) {
          causes.push(String(cause));
          await sleep(intakeRetryMs, undefined, { signal: overdue.signal }).catch(() => undefined);
        }
      }
    };
    void throughStore();
    if (roads.lines.open() === 0) startIntake(); // the store is already known to be away
  });
}

/** Tries the store until the order is latched. Undefined: the process closes, or there are too many to go on with. */
async function pursue(
  order: StopOrder,
  { lines, signal, log }: Roads,
  onTrouble: (cause: string) => void,
): Promise<LatchRow | undefined> {
  if (pursued >= pursuedAtMost) {
    onTrouble('too many orders wait for the store');
    return undefined;
  }
  pursued += 1;
  try {
    while (!signal.aborted) {
      const line = await lines.take(signal);
      if (line === undefined) return undefined;
      // A line that is slow is no longer one of the warm ones; its answer still counts if it comes.
      const slow = setTimeout(() => {
        lines.writeOff(line);
        onTrouble('the store has not committed in time');
      }, latchPatienceMs);
      const dead = setTimeout(() => line.discard(), giveUpMs);
      try {
        const row = await line.latch(order);
        lines.giveBack(line);
        return row;
      } catch (cause) {
        line.discard();
        onTrouble(String(cause));
        log.warn(
          { event: 'stop.latch-failed', stopId: order.stopId, cause: String(cause) },
          'a latch did not commit; it is tried again',
        );
        await sleep(intakeRetryMs, undefined, { signal }).catch(() => undefined);
      } finally {
        clearTimeout(slow);
        clearTimeout(dead);
      }
    }
    return undefined;
  } finally {
    pursued -= 1;
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
