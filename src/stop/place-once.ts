import type { StopOrder } from '../contract/stop.ts';
import type { LatchLine, LatchRow } from './latch-line.ts';
import type { LatchLines } from './latch-lines.ts';
import { giveUpMs, type Placed } from './place-order.ts';

interface Road {
  /** Lines of their own: orders of workers never stand before one of a person. */
  readonly lines: LatchLines;
  readonly onLatched: (row: LatchRow) => void;
  readonly patienceMs: number;
  readonly atMost: number;
}

/**
 * Orders that agent workers place for single tasks: one try at the store, no intake and no pursuit. Each also has the trusted queue,
 * which tries for as long as it takes; a flood of kills must fill neither the intake nor the lines that people's stops use.
 */
export function createPlaceOnce({ lines, onLatched, patienceMs, atMost }: Road): (order: StopOrder) => Promise<Placed> {
  let waiting = 0;
  const late: Placed = { kind: 'failed', causes: ['the store has not committed in time'] };
  /** The line stays with its latch until that is over, answered or not: a store that is slow must not cost a connection per order. */
  const latchOn = async (line: LatchLine, order: StopOrder): Promise<Placed> => {
    const dead = setTimeout(() => line.discard(), giveUpMs);
    try {
      const row = await line.latch(order);
      lines.giveBack(line);
      const isAnother = row.scopeKey !== order.scopeKey || row.category !== order.category;
      if (isAnother || row.resetAt !== undefined) return { kind: 'conflict', row };
      onLatched(row);
      return { kind: 'latched', row };
    } catch (cause) {
      line.discard();
      return { kind: 'failed', causes: [String(cause)] };
    } finally {
      clearTimeout(dead);
    }
  };
  const tryOnce = async (order: StopOrder, given: AbortSignal): Promise<Placed> => {
    const line = await lines.take(given);
    if (line === undefined) return { kind: 'failed', causes: ['no connection was free in time'] };
    const over = new Promise<Placed>((resolve) => given.addEventListener('abort', () => resolve(late), { once: true }));
    return Promise.race([latchOn(line, order), over]);
  };
  return async (order) => {
    if (waiting >= atMost) return { kind: 'failed', causes: ['too many orders of workers at once'] };
    waiting += 1;
    try {
      return await tryOnce(order, AbortSignal.timeout(patienceMs));
    } finally {
      waiting -= 1;
    }
  };
}
