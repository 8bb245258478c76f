import { bearerOf } from '../checks/fence.ts';
import { rememberMeanwhile } from '../flow/remember.ts';
import type { AskedWhile } from '../mcp/question.ts';
import type { Passage } from '../passage.ts';
import type { OnMessage, UpstreamMessage } from '../upstream/prepared.ts';
import { isRecord } from '../upstream/read-reply.ts';
import type { LiveCall } from './live-call.ts';

/** More than any person follows; what an upstream says beyond it is dropped, and its answer still taken. */
const mostRelayed = 2_000;

/** What an upstream may say on its own account while it works on a request. Anything else is dropped. */
const relayed: ReadonlySet<string> = new Set([
  'notifications/progress',
  'notifications/message',
  'notifications/resources/updated',
  'notifications/resources/list_changed',
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/elicitation/complete',
]);

/** rule: fence-before-answer. In the same tick: nothing that came after a stop is passed on. */
export function relayFrom(passage: Passage, call: Pick<LiveCall, 'callId' | 'destination'>): OnMessage {
  let count = 0;
  return (message) => {
    const { client, host } = passage;
    if (client === undefined || count >= mostRelayed) return;
    if (host.fence.check(bearerOf(passage)).kind !== 'clear') return;
    // In the newest revision a client that names no level wants none of it.
    if (message.method === 'notifications/message' && client.era === 'modern' && client.logLevel === undefined) return;
    count += 1;
    rememberMeanwhile(passage, message);
    if (message.id !== undefined) {
      const relayed = { callId: call.callId, relay: client.relay, askedWhile: askedWhile(passage) };
      return call.destination?.ask?.(message, relayed);
    }
    const told = notification(message, call.callId, client.progressToken);
    if (told !== undefined) client.relay(told);
  };
}

/** Undefined: it cannot be said, so that nobody is asked. */
export function askedWhile({ asked, facts }: Passage): AskedWhile | undefined {
  if (asked.kind === 'tool-call') return asked;
  const [reach, ...others] = facts.reaches ?? [];
  return reach === undefined || others.length > 0 ? undefined : { kind: 'reach', reach };
}

/** In our words, and under the client's own token: an upstream cannot report on another's request. */
export function notification(
  { method, params }: UpstreamMessage,
  callId: string | undefined,
  progressToken: string | number | undefined,
): UpstreamMessage | undefined {
  if (!relayed.has(method)) return undefined;
  const own = isRecord(params) ? withoutOurMeta(params) : undefined;
  const head = { jsonrpc: '2.0', method };
  if (method !== 'notifications/progress') return { ...head, ...(own === undefined ? {} : { params: own }) };
  if (own === undefined || progressToken === undefined || own['progressToken'] !== callId) return undefined;
  return { ...head, params: { ...own, progressToken } };
}

export function withoutOurMeta(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { _meta: meta, ...rest } = params;
  if (!isRecord(meta)) return rest;
  const kept = Object.entries(meta).filter(
    ([key]) => !key.startsWith('estop/') && !key.startsWith('io.modelcontextprotocol/'),
  );
  return kept.length === 0 ? rest : { ...rest, _meta: Object.fromEntries(kept) };
}
