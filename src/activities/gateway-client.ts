import { z } from 'zod';
import { traceHeaders } from '../contract/tracing.ts';
import { EstopError } from '../core/errors.ts';
import { jsonIn } from './json-in.ts';
import { openPost, PostFailed, type Reply } from './post.ts';
import { ownCode, problemCode } from './problem-code.ts';
import type { TaskTokens } from './task-tokens.ts';

/** What the gateway answered: a result, or a refusal that says whether anything was sent upstream. */
export type GatewayReply =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly status: number; readonly body: unknown };

export interface GatewayClient {
  /** Throws EstopError where nothing was sent upstream, AnswerLost where something may have been. */
  ask(
    taskId: string,
    method: string,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<GatewayReply>;
}

/** Not an EstopError: the one caller to whom it matters turns it into a value. */
export class AnswerLost extends Error {
  readonly code = 'upstream-unavailable';
}

const maxRetryAfterMs = 60_000;
const protocolVersion = '2026-07-28';
const clientMeta = {
  'io.modelcontextprotocol/protocolVersion': protocolVersion,
  'io.modelcontextprotocol/clientInfo': { name: 'estop-agent-worker', version: '0.1.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
};
const Answer = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string() }).optional(),
});

/** Speaks MCP (2026-07-28: one POST, no session) to our own gateway, with the task's token. */
export function createGatewayClient(gatewayUrl: string, tokens: TaskTokens): GatewayClient {
  const post = openPost(new URL('/mcp', gatewayUrl), { mostBytes: 4 * 1024 * 1024, idleConnections: 256 });
  const send = async (
    taskId: string,
    method: string,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Reply> => {
    const token = await tokens.get(taskId, signal);
    const name = typeof params['name'] === 'string' ? { 'mcp-name': params['name'] } : {};
    const headers = {
      'authorization': `Bearer ${token}`,
      'content-type': 'application/json',
      'accept': 'application/json, text/event-stream',
      'mcp-protocol-version': protocolVersion,
      'mcp-method': method,
      ...name,
    };
    // In `_meta` by the names that MCP keeps for it, as in the headers of the request.
    const _meta = { ...clientMeta, ...traceHeaders() };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
    try {
      return await post({ headers, body, signal });
    } catch (cause) {
      if (cause instanceof PostFailed && cause.wasNeverSent)
        throw new EstopError('upstream-unavailable', { detail: 'the gateway cannot be reached', cause });
      throw new AnswerLost('the gateway’s answer did not come, or not whole', { cause });
    }
  };
  return {
    ask: async (taskId, method, params, signal) => {
      let response = await send(taskId, method, params, signal);
      if (response.status === 401) {
        // The key may have been rotated away: one more try with a fresh token. What was refused here was not sent upstream.
        tokens.forget(taskId);
        response = await send(taskId, method, params, signal);
      }
      const text = response.bytes.toString('utf8');
      const isEvents = response.headers['content-type']?.startsWith('text/event-stream') === true;
      const isOk = response.status >= 200 && response.status < 300;
      const body = jsonIn(isEvents ? lastData(text) : text);
      const reply = Answer.safeParse(body);
      if (isOk && reply.success && reply.data.result !== undefined)
        return { kind: 'result', result: reply.data.result };
      if (response.status === 401)
        throw new EstopError('unauthenticated', { detail: 'the gateway refuses a fresh token' });
      // A proxy says it also of a request that it had passed on; the gateway says why.
      if (response.status === 503 && ownCode(body) === undefined)
        throw new AnswerLost('somebody on the way to the gateway gave up');
      if (response.status === 429 || response.status === 503) {
        const retryAfterMs = retryAfterOf(response, body);
        throw new EstopError(problemCode(body, 503), {
          detail: `the gateway answered ${response.status}`,
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
      }
      // Neither a result nor an error: it is not the gateway's last word, whoever ended the answer here.
      if (isOk && reply.data?.error === undefined) throw new AnswerLost('the gateway’s answer came to no end');
      return { kind: 'refused', status: response.status, body };
    },
  };
}

/** Progress may precede it; the response to the one request of this stream is its last event. */
function lastData(text: string): string {
  const events = text.split(/\r?\n\r?\n/).filter((event) => /^data:/m.test(event));
  const last = events.at(-1) ?? '';
  return last
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n');
}

function retryAfterOf({ headers }: Reply, body: unknown): number | undefined {
  const problem = z.object({ retryAfterMs: z.number().nonnegative() }).safeParse(body);
  if (problem.success) return Math.min(problem.data.retryAfterMs, maxRetryAfterMs);
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, maxRetryAfterMs) : undefined;
}
