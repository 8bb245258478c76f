import { known, type Passage } from '../passage.ts';
import type { LiveCall } from './live-call.ts';

/** Longer than any server takes that is there at all; a call that waits for one must not wait as long as it may run. */
const connectTimeoutMs = 5_000;

/** A connected socket for the call, and with it the bytes that were hashed. */
export function takeSocket({ facts }: Passage, call: LiveCall): Promise<boolean> {
  const { server, pin } = known(facts.tool);
  const { taskId, agentId } = known(facts.claims);
  const outgoing = { taskId, agentId, tool: pin.name, canonicalArguments: known(facts.canonicalArguments) };
  return call.prepare(server, outgoing, connectTimeoutMs);
}
