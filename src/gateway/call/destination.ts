import { known, type Passage } from '../passage.ts';
import type { ClientWords } from '../upstream/session.ts';
import type { ToolServer } from '../upstream/tool-server.ts';
import type { Destination } from './live-call.ts';

/**
 * A client that keeps a session has one of its own with each upstream that keeps them too, so that what an upstream asks and
 * tells reaches the client that it means; any other shares the gateway's.
 */
export async function destinationOf(passage: Passage, server: ToolServer): Promise<Destination | undefined> {
  if (server.isProcess) return processOf(passage, server);
  const session = passage.client?.session;
  return session === undefined ? server : session.linkTo(passage, server);
}

/** No process is started for a task that is stopped: the fence is asked in the tick in which one begins. */
function processOf({ host, facts }: Passage, server: ToolServer): Destination | undefined {
  const { taskId, agentId, keys, agents, epoch } = known(facts.claims);
  const bearer = { keys, agents, epoch };
  if (host.fence.check(bearer).kind !== 'clear') return undefined;
  return server.forTask(taskId, { childId: host.newId('call'), bearer, agentId, openCalls: host.openCalls });
}

/** Undefined: nothing of the client's own goes on. */
export function clientWords({ client }: Passage): ClientWords | undefined {
  if (client === undefined) return undefined;
  return {
    // In the older revisions what a client can be asked was said in its handshake; here it would be taken for this call's.
    capabilities: client.era === 'modern' ? client.capabilities : {},
    wantsProgress: client.progressToken !== undefined,
    ...(client.logLevel === undefined ? {} : { logLevel: client.logLevel }),
  };
}
