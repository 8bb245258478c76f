import { condition, continueAsNew, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { ControlActivities } from '../contract/activities.ts';
import { signals } from '../contract/names.ts';
import { intakeRetryMs } from '../contract/numbers.ts';
import { orderKey, readOrder } from '../contract/order.ts';
import type { StopOrder } from '../contract/stop.ts';
import { defineUntrustedSignal, readUntrusted } from './untrusted-signal.ts';

const orderSignal = defineUntrustedSignal(signals.order);

const idleMs = 30_000;
const batchSize = 50;

const { latchOrders } = proxyActivities<Pick<ControlActivities, 'latchOrders'>>({
  startToCloseTimeout: 5_000,
  retry: { initialInterval: intakeRetryMs, backoffCoefficient: 1, maximumInterval: intakeRetryMs },
  priority: { priorityKey: 1 },
});

/**
 * The second road of a stop: holds orders until they are latched. One per environment; an order is in its history before the
 * sender hears `accepted`, and the run never ends while one is unlatched. It ends when idle (the next order opens a new run) and
 * goes on as a new run when its history is long; Temporal does neither while a signal is undelivered, so none is lost between.
 * A run ended by anybody else leaves its orders in its history, where the drain reads them. rule: one-intake
 */
export async function stopIntake(carried: readonly StopOrder[] = []): Promise<void> {
  const waiting = new Map(carried.map((order) => [orderKey(order), order]));
  setHandler(orderSignal, (raw) => {
    const order = readOrder(readUntrusted(raw));
    if (order !== undefined) waiting.set(orderKey(order), order);
  });
  for (;;) {
    await condition(() => waiting.size > 0 || workflowInfo().continueAsNewSuggested, idleMs);
    if (waiting.size === 0) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof stopIntake>([...waiting.values()]);
    for (const key of await latchOrders([...waiting.values()].slice(0, batchSize))) waiting.delete(key);
  }
}
