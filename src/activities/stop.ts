import { createHash } from 'node:crypto';
import type { ControlActivities } from '../contract/activities.ts';
import type { Log } from '../contract/identity.ts';
import { orderKey } from '../contract/order.ts';
import type { StopOrder } from '../contract/stop.ts';
import { EstopError } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import { latch } from '../store/latch.ts';
import type { Store } from '../store/pool.ts';

interface StopActivityDeps {
  readonly store: Store;
  readonly environment: string;
  readonly log: Log;
}

/** Latches what lies in the intake. Throws if nothing could be latched, so that Temporal tries again. */
export function createStopActivities(deps: StopActivityDeps): Pick<ControlActivities, 'latchOrders'> {
  return {
    latchOrders: async (orders) => {
      const latched: string[] = [];
      let failure: unknown;
      for (const order of orders) {
        try {
          await latchAccepted(deps, order);
          latched.push(orderKey(order));
        } catch (thrown) {
          // One that the store refuses for good must not hold up the others, and neither may it be forgotten: it stays in the intake.
          failure = thrown;
        }
      }
      if (latched.length === 0 && failure !== undefined) throw failure;
      return latched;
    },
  };
}

/**
 * An accepted order is a promise, so there is no refusing it here. If its id turns out to stand for another stop already, it is
 * latched under an id made from both, the same one however often this runs. The id under which it is. rule: caller-mints-stop-id
 */
export async function latchAccepted({ store, environment, log }: StopActivityDeps, order: StopOrder): Promise<string> {
  const result = await latch(store, order);
  switch (result.kind) {
    case 'latched':
      return order.stopId;
    case 'not-acknowledged':
      throw new EstopError('store-unavailable', { detail: result.why });
    case 'id-taken': {
      const random = createHash('sha256').update(orderKey(order)).digest().subarray(0, 16);
      const stopId = formatId('stop', environment, random);
      log.warn(
        { event: 'intake.id-taken', stopId: order.stopId, latchedAs: stopId },
        'an accepted order carried the id of another stop',
      );
      if (stopId === order.stopId) throw new EstopError('conflict');
      return latchAccepted({ store, environment, log }, { ...order, stopId });
    }
  }
}
