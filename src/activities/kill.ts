import { z } from 'zod';
import type { AgentActivities } from '../contract/activities.ts';
import { EstopError } from '../core/errors.ts';
import { taskKey } from '../core/scope-key.ts';
import { problemCode, readJson, requestOf } from './http.ts';

interface KillDependencies {
  readonly stopUrl: string;
  /** The worker's own bearer token: the stop process takes orders for single tasks from it. */
  readonly workerToken: () => string;
}

/** Shorter than the workflow's own limit, so that the answer "not in time" is ours and comes early. */
const patienceMs = 300;
const Receipt = z.object({ state: z.literal('latched'), stopId: z.string() });

/** One try. Only `latched` is an answer: `accepted` is a promise, and a task does not close on a promise. */
export function createKillActivities({ stopUrl, workerToken }: KillDependencies): Pick<AgentActivities, 'placeKill'> {
  const url = new URL('/v1/stops', stopUrl);
  return {
    placeKill: async ({ taskId, stopId, reason, actor }) => {
      const response = await requestOf(url, {
        method: 'POST',
        headers: { 'authorization': `Bearer ${workerToken()}`, 'content-type': 'application/json' },
        body: JSON.stringify({ stopId, scopeKey: taskKey(taskId), reason, onBehalfOf: actor }),
        signal: AbortSignal.timeout(patienceMs),
      });
      const body = await readJson(response);
      const receipt = Receipt.safeParse(body);
      if (response.ok && receipt.success) return { stopId: receipt.data.stopId };
      throw new EstopError(response.ok ? 'store-unavailable' : problemCode(body, response.status), {
        detail: `the stop process did not latch: ${response.status}`,
      });
    },
  };
}
