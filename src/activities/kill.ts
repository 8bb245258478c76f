import { z } from 'zod';
import type { AgentActivities } from '../contract/activities.ts';
import { EstopError } from '../core/errors.ts';
import { taskKey } from '../core/scope-key.ts';
import { jsonIn } from './json-in.ts';
import { openPost, type Post, PostFailed } from './post.ts';
import { problemCode } from './problem-code.ts';

interface KillDependencies {
  readonly stopUrl: string;
  /** The worker's own bearer token: the stop process takes orders for single tasks from it. */
  readonly workerToken: () => string;
}

/** Shorter than the workflow's own limit, so that the answer "not in time" is ours and comes early. */
const patienceMs = 300;
const warmConnections = 4;
const longestAnswer = 64 * 1024;
const Receipt = z.object({ state: z.literal('latched'), stopId: z.string() });

/** One try. Only `latched` is an answer: `accepted` is a promise, and a task does not close on a promise. */
export function createKillActivities({ stopUrl, workerToken }: KillDependencies): Pick<AgentActivities, 'placeKill'> {
  const post = openPost(new URL('/v1/stops', stopUrl), { mostBytes: longestAnswer, idleConnections: warmConnections });
  return {
    placeKill: async ({ taskId, stopId, reason, actor }) => {
      const order = { stopId, scopeKey: taskKey(taskId), reason, onBehalfOf: actor };
      const headers = { 'authorization': `Bearer ${workerToken()}`, 'content-type': 'application/json' };
      const message = { headers, body: JSON.stringify(order), signal: AbortSignal.timeout(patienceMs) };
      const { status, bytes } = await untilHeard(() => post(message)).catch((cause: unknown) => {
        throw new EstopError('upstream-unavailable', { detail: `${stopUrl} cannot be reached`, cause });
      });
      const body = jsonIn(bytes.toString('utf8'));
      const isOk = status >= 200 && status < 300;
      const receipt = Receipt.safeParse(body);
      if (isOk && receipt.success) return { stopId: receipt.data.stopId };
      throw new EstopError(isOk ? 'store-unavailable' : problemCode(body, status), {
        detail: `the stop process did not latch: ${status}`,
      });
    },
  };
}

/** A connection that was closed while nobody used it is found out at its next use; then another is tried: the same order is the same stop. */
async function untilHeard(send: () => ReturnType<Post>): ReturnType<Post> {
  for (;;) {
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof PostFailed && thrown.wasReused && thrown.code === 'ECONNRESET')) throw thrown;
    }
  }
}
