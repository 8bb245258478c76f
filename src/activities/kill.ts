import { type ClientRequest, Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { z } from 'zod';
import type { AgentActivities } from '../contract/activities.ts';
import { traceHeaders } from '../contract/tracing.ts';
import { EstopError } from '../core/errors.ts';
import { taskKey } from '../core/scope-key.ts';
import { problemCode } from './http.ts';

interface KillDependencies {
  readonly stopUrl: string;
  /** The worker's own bearer token: the stop process takes orders for single tasks from it. */
  readonly workerToken: () => string;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Shorter than the workflow's own limit, so that the answer "not in time" is ours and comes early. */
const patienceMs = 300;
const warmConnections = 4;
const longestAnswer = 64 * 1024;
const Receipt = z.object({ state: z.literal('latched'), stopId: z.string() });

/** One try. Only `latched` is an answer: `accepted` is a promise, and a task does not close on a promise. */
export function createKillActivities({ stopUrl, workerToken }: KillDependencies): Pick<AgentActivities, 'placeKill'> {
  const post = openPost(new URL('/v1/stops', stopUrl));
  return {
    placeKill: async ({ taskId, stopId, reason, actor }) => {
      const order = { stopId, scopeKey: taskKey(taskId), reason, onBehalfOf: actor };
      const { status, body } = await post(workerToken(), JSON.stringify(order), AbortSignal.timeout(patienceMs));
      const isOk = status >= 200 && status < 300;
      const receipt = Receipt.safeParse(body);
      if (isOk && receipt.success) return { stopId: receipt.data.stopId };
      throw new EstopError(isOk ? 'store-unavailable' : problemCode(body, status), {
        detail: `the stop process did not latch: ${status}`,
      });
    },
  };
}

/**
 * On bare node:http, over connections that stay open: a workflow task waits for this, and the global fetch takes longer than the stop
 * process. One that was closed while nobody used it is found out at its next use, and then another is tried: the same order is the same stop.
 */
function openPost(url: URL): (token: string, order: string, signal: AbortSignal) => Promise<Answer> {
  const isSecure = url.protocol === 'https:';
  const agent = new (isSecure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxFreeSockets: warmConnections });
  const open = isSecure ? requestHttps : requestHttp;
  const send = (token: string, order: string, signal: AbortSignal): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = {
        ...traceHeaders(),
        'authorization': `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(order),
      };
      const sent: ClientRequest = open(url, { method: 'POST', agent, headers, signal }, (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > longestAnswer) response.destroy();
          else chunks.push(chunk);
        });
        response.once('error', reject);
        // Broken off in the middle, it is no answer.
        response.once('close', () => {
          if (!response.complete) return reject(new Error('the answer broke off'));
          resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString('utf8')) });
        });
      });
      sent.once('error', (cause) => {
        if (sent.reusedSocket && 'code' in cause && cause.code === 'ECONNRESET') resolve(send(token, order, signal));
        else reject(cause);
      });
      sent.end(order);
    });
  return (token, order, signal) =>
    send(token, order, signal).catch((cause: unknown) => {
      throw new EstopError('upstream-unavailable', { detail: `${url.origin} cannot be reached`, cause });
    });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
