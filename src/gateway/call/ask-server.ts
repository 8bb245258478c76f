import { bearerOf, fenceDenial } from '../checks/fence.ts';
import { type ListMethod, listKeys } from '../mcp/methods.ts';
import { joinName, joinUri } from '../mcp/names.ts';
import { known, type Passage } from '../passage.ts';
import type { Reach } from '../upstream/reach.ts';
import { isRecord } from '../upstream/read-reply.ts';
import { connectReach } from './connect-reach.ts';
import { type CallEnd, LiveCall } from './live-call.ts';

/** Of one list of one server: what is beyond it is not listed, and can still be reached for by its name. */
const mostItems = 5_000;
const mostPages = 50;

/**
 * One question that tells an upstream nothing of the agent's, under the same fence as a call: it stands among the open calls, so
 * a stop ends it, and the fence is asked in the tick of the write. It is not admitted and not in the ledger.
 */
async function askServer(passage: Passage, reach: Reach): Promise<CallEnd> {
  const { host, facts } = passage;
  const leave = host.places.enter(reach.server.place, known(facts.claims).agentId);
  if (leave === undefined) return { kind: 'lost' };
  const call = new LiveCall(host.newId('call'), bearerOf(passage));
  host.openCalls.add(call);
  passage.onClientGone(() => call.destroy({ kind: 'client-gone' }));
  try {
    const connected = await connectReach(passage, reach, call);
    if (call.cutReason !== undefined) return { kind: 'cut', reason: call.cutReason };
    if (!connected || fenceDenial(host.fence.check(bearerOf(passage)), false) !== undefined) return { kind: 'lost' };
    return await call.write(host.callTimeoutMs);
  } finally {
    host.openCalls.remove(call.callId);
    call.release();
    leave();
  }
}

/** One page of one server, or all pages of all of them under names that say whose each is. */
export async function listEverything(
  passage: Passage,
  method: ListMethod,
  reaches: readonly Reach[],
): Promise<CallEnd> {
  const [only] = reaches;
  if (only !== undefined && passage.client?.endpoint !== undefined) return askServer(passage, only);
  const key = listKeys[method];
  const ends = await Promise.all(reaches.map((reach) => allPages(passage, reach, key)));
  const cut = ends.find((end) => 'kind' in end);
  if (cut !== undefined && 'kind' in cut) return cut;
  const items = ends.flatMap((end) => ('items' in end ? end.items : []));
  return { kind: 'replied', reply: { kind: 'result', result: { [key]: items } } };
}

/** A server that does not answer is missing in the list of all; the others are not kept from being seen. */
async function allPages(
  passage: Passage,
  reach: Reach,
  key: string,
): Promise<{ readonly items: readonly unknown[] } | Extract<CallEnd, { kind: 'cut' }>> {
  const items: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages && items.length < mostItems; page += 1) {
    const end = await askServer(passage, { ...reach, params: cursor === undefined ? {} : { cursor } });
    if (end.kind === 'cut') return end;
    if (end.kind !== 'replied' || end.reply.kind !== 'result') break;
    const { [key]: found, nextCursor } = end.reply.result;
    // One by one: what a server has many of would be more arguments than a function can be given.
    for (const item of Array.isArray(found) ? found.slice(0, mostItems) : [])
      items.push(owned(reach.server.spec.serverId, item));
    if (typeof nextCursor !== 'string' || nextCursor === cursor) break;
    cursor = nextCursor;
  }
  return { items: items.slice(0, mostItems) };
}

function owned(serverId: string, item: unknown): unknown {
  if (!isRecord(item)) return item;
  const { uri, uriTemplate, name } = item;
  if (typeof uri === 'string') return { ...item, uri: joinUri(serverId, uri) };
  if (typeof uriTemplate === 'string') return { ...item, uriTemplate: joinUri(serverId, uriTemplate) };
  return typeof name === 'string' ? { ...item, name: joinName(serverId, name) } : item;
}
