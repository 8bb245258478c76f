import type { Client } from '@temporalio/client';
import { errorCodeOf } from '../../core/errors.ts';
import { refuseForeignNamespaces } from '../../runtime/namespace-owner.ts';

/** Throws where this Temporal is another environment's, and until it was once seen that it is not. */
export type RequireOwnTemporal = () => Promise<void>;

const callMs = 5_000;
const goodForMs = 30_000;

/**
 * Asked before the relay begins or concludes anything by what is, or is not, in this Temporal; never before a latch. Whoever has
 * asked once waits for nothing: the next looks go on beside the work, and only one that finds another owner changes the answer.
 */
export function requireOwnTemporal(client: Client, environment: string): RequireOwnTemporal {
  let isOurs = false;
  let seenAt = 0;
  let looking: Promise<void> | undefined;
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
  return async () => {
    if (isOurs && performance.now() - seenAt < goodForMs) return;
    looking ??= look();
    if (!isOurs) return looking;
    looking.catch(() => undefined);
  };
}
