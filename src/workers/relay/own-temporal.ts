import type { Client } from '@temporalio/client';
import { errorCodeOf } from '../../core/errors.ts';
import { refuseForeignNamespaces } from '../../runtime/namespace-owner.ts';

/**
 * Throws where this Temporal is another environment's, and until it was once seen that it is not. `since`: and until that was seen by a
 * look that has begun then or later, which is what a conclusion from something that is not there needs: the address may lead elsewhere
 * since the look before.
 */
export type RequireOwnTemporal = (since?: number) => Promise<void>;

const callMs = 5_000;
const goodForMs = 30_000;

interface Look {
  readonly begunAt: number;
  readonly done: Promise<void>;
}

/**
 * Asked before the relay begins or concludes anything by what is, or is not, in this Temporal; never before a latch. Whoever begins
 * something waits for nothing once it was seen: the next looks go on beside the work, and only one that finds another owner changes
 * the answer.
 */
export function requireOwnTemporal(client: Client, environment: string): RequireOwnTemporal {
  let isOurs = false;
  let seenAt = 0;
  let looking: Look | undefined;
  const look = async (): Promise<void> => {
    try {
      await client.withDeadline(Date.now() + callMs, () => refuseForeignNamespaces(client, environment));
      [isOurs, seenAt] = [true, performance.now()];
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'config-invalid') isOurs = false;
      throw thrown;
    } finally {
      looking = undefined;
    }
  };
  const underWay = (): Look => (looking ??= { begunAt: performance.now(), done: look() });
  return async (since) => {
    if (since !== undefined) {
      const seen = underWay();
      if (seen.begunAt >= since) return seen.done;
      await seen.done.catch(() => undefined);
      return underWay().done;
    }
    if (isOurs && performance.now() - seenAt < goodForMs) return;
    const { done } = underWay();
    if (!isOurs) return done;
    done.catch(() => undefined);
  };
}
