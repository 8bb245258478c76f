import { known, type Passage } from '../passage.ts';
import { clientWords, destinationOf } from './destination.ts';
import type { LiveCall } from './live-call.ts';

/** Longer than any server takes that is there at all; a call that waits for one must not wait as long as it may run. */
export const connectTimeoutMs = 5_000;

/** A connected socket for the call, and with it the bytes that were hashed. */
export async function takeSocket(passage: Passage, call: LiveCall): Promise<boolean> {
  const { facts } = passage;
  const { server, pin } = known(facts.tool);
  const { taskId, agentId } = known(facts.claims);
  const destination = await destinationOf(passage, server);
  if (destination === undefined) return false;
  const client = clientWords(passage);
  const inputs = facts.inputs?.canonical ?? '{}';
  const outgoing = {
    taskId,
    agentId,
    method: 'tools/call',
    name: pin.name,
    params: `{"name":${JSON.stringify(pin.name)},"arguments":${known(facts.canonicalArguments)}${inputs === '{}' ? '' : `,${inputs.slice(1, -1)}`}}`,
    ...(client === undefined ? {} : { client }),
    credential: known(facts.credential),
  };
  return call.prepare(destination, outgoing, connectTimeoutMs);
}
