import { canonicalText } from '../json/canonical.ts';
import type { JsonValue } from '../json/parse-strict.ts';
import { isListMethod } from '../mcp/methods.ts';
import { known, type Passage } from '../passage.ts';
import type { Reach } from '../upstream/reach.ts';
import { clientWords, destinationOf } from './destination.ts';
import type { LiveCall } from './live-call.ts';
import { connectTimeoutMs } from './take-socket.ts';

/** The bytes that are hashed, and sent. */
export function reachParams(reach: Reach): string {
  return canonicalText(JSON.parse(JSON.stringify(reach.params)) as JsonValue); // what JSON.stringify wrote is JSON
}

/** A connected socket for what is no tool call. */
export async function connectReach(passage: Passage, reach: Reach, call: LiveCall): Promise<boolean> {
  const { taskId, agentId } = known(passage.facts.claims);
  const destination = await destinationOf(passage, reach.server);
  if (destination === undefined) return false;
  const client = clientWords(passage);
  const outgoing = {
    taskId,
    agentId,
    method: reach.method,
    params: reachParams(reach),
    ...(reach.name === undefined || reach.method === 'completion/complete' ? {} : { name: reach.name }),
    ...(client === undefined ? {} : { client }),
    // A list is asked for in the gateway's own name.
    ...(isListMethod(reach.method) ? {} : { credential: known(passage.facts.credential) }),
  };
  return call.prepare(destination, outgoing, connectTimeoutMs);
}
