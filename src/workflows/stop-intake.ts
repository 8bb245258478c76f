import { condition, continueAsNew, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { ControlActivities } from '../contract/activities.ts';
import { signals } from '../contract/names.ts';
import { intakeRetryMs } from '../contract/numbers.ts';
import { orderKey, readOrder } from '../contract/order.ts';
import type { StopOrder } from '../contract/stop.ts';
import { widestFirst } from '../core/scope-key.ts';
import { defineUntrustedSignal, readUntrusted } from './untrusted-signal.ts';

const orderSignal = defineUntrustedSignal(signals.order);

const idleMs = 30_000;
const batchSize = 50;

/** What one run may hold, and hand on to the next. Starting it with lower ones serves tests; higher ones are not believed. */
export interface IntakeLimits {
  /** Events. Temporal takes no more than 10,000 signals in a run. */
  readonly history: number;
  readonly orders: number;
  /** As JSON, at most. Temporal takes no more than 2 MB in one payload; a run that asks for more is stuck for ever. */
  readonly bytes: number;
}

const highest: IntakeLimits = { history: 4_000, orders: 200, bytes: 256 * 1_024 };
/** A run must come to latching before it goes on. */
const lowestHistory = 20;

const { latchOrders } = proxyActivities<Pick<ControlActivities, 'latchOrders'>>({
  startToCloseTimeout: 5_000,
  retry: { initialInterval: intakeRetryMs, backoffCoefficient: 1, maximumInterval: intakeRetryMs },
  priority: { priorityKey: 1 },
});

/**
 * The second road of a stop: holds orders until they are latched. One per environment; an order is in its history before the
 * sender hears `accepted`, and the run never ends while one is unlatched. It ends when idle (the next order opens a new run) and
 * goes on as a new run when its history is long, also while the store is away and a batch is being latched: latching twice is
 * latching once. Temporal does neither while a signal is undelivered, so none is lost between. The new run is handed only so many
 * orders, the widest first. The others stay in the history of the closed run, as do all orders of a run that anybody else ended:
 * there the drain reads them. rule: one-intake
 */
export async function stopIntake(carried: readonly StopOrder[] = [], lower: Partial<IntakeLimits> = {}): Promise<void> {
  const waiting = new Map<string, StopOrder>();
  for (const order of carried.map(readOrder)) if (order !== undefined) waiting.set(orderKey(order), order);
  setHandler(orderSignal, (raw) => {
    const order = readOrder(readUntrusted(raw));
    if (order !== undefined) waiting.set(orderKey(order), order);
  });
  const history = Math.max(lowestHistory, Math.min(lower.history ?? highest.history, highest.history));
  const isLong = (): boolean => workflowInfo().continueAsNewSuggested || workflowInfo().historyLength >= history;
  for (;;) {
    await condition(() => waiting.size > 0 || isLong(), idleMs);
    if (waiting.size === 0) return;
    if (isLong()) await continueAsNew<typeof stopIntake>(handedOn(waiting.values(), lower), lower);
    let settled = false;
    const settle = (): void => void (settled = true);
    const latching = latchOrders(widestFirst(waiting.values()).slice(0, batchSize));
    void latching.then(settle, settle);
    await condition(() => settled || isLong());
    if (settled) for (const key of await latching) waiting.delete(key);
  }
}

function handedOn(waiting: Iterable<StopOrder>, lower: Partial<IntakeLimits>): readonly StopOrder[] {
  const orders = Math.min(lower.orders ?? highest.orders, highest.orders);
  let left = Math.min(lower.bytes ?? highest.bytes, highest.bytes);
  const taken: StopOrder[] = [];
  for (const order of widestFirst(waiting)) {
    left -= sizeOf(order);
    if (left < 0 || taken.length >= orders) break;
    taken.push(order);
  }
  return taken;
}

/** No character of a text takes more than three bytes per unit of its length. */
const sizeOf = (order: StopOrder): number => JSON.stringify(order).length * 3;
