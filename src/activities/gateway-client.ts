import { z } from 'zod';
import { traceHeaders } from '../contract/tracing.ts';
import { EstopError } from '../core/errors.ts';
import { ownCode, problemCode, readText, requestOf } from './http.ts';
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
const Reply = z.object({
  result: z.unknown().optional(),
  error: z.object({ code: z.number(), message: z.string() }).optional(),
});

/** Speaks MCP (2026-07-28: one POST, no session) to our own gateway, with the task's token. */
export function createGatewayClient(gatewayUrl: string, tokens: TaskTokens): GatewayClient {
  const url = new URL('/mcp', gatewayUrl);
  const post = async (
    taskId: string,
    method: string,
    params: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Response> => {
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
      return await requestOf(url, { method: 'POST', headers, body, signal });
    } catch (error) {
      throw wasNeverSent(error) ? error : new AnswerLost('the gateway closed the connection', { cause: error });
    }
  };
  return {
    ask: async (taskId, method, params, signal) => {
      let response = await post(taskId, method, params, signal);
      if (response.status === 401) {
        // The key may have been rotated away: one more try with a fresh token. What was refused here was not sent upstream.
        await response.body?.cancel();
        tokens.forget(taskId);
        response = await post(taskId, method, params, signal);
      }
      let text: string;
      try {
        text = await readText(response);
      } catch (cause) {
        throw new AnswerLost('the gateway cut its answer off', { cause });
      }
      const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
      const body = parse(isEvents ? lastData(text) : text);
      const reply = Reply.safeParse(body);
      if (response.ok && reply.success && reply.data.result !== undefined)
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
      if (response.ok && reply.data?.error === undefined) throw new AnswerLost('the gateway’s answer came to no end');
      return { kind: 'refused', status: response.status, body };
    },
  };
}

function wasNeverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const reason = cause instanceof Error ? (cause.cause ?? cause) : undefined;
  const code = typeof reason === 'object' && reason !== null && 'code' in reason ? reason.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'UND_ERR_CONNECT_TIMEOUT';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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

function retryAfterOf(response: Response, body: unknown): number | undefined {
  const problem = z.object({ retryAfterMs: z.number().nonnegative() }).safeParse(body);
  if (problem.success) return Math.min(problem.data.retryAfterMs, maxRetryAfterMs);
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, maxRetryAfterMs) : undefined;
}
