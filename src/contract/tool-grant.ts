import type { EstopConfig, GrantSpec } from './config.ts';
import { mayUseServer } from './credential-use.ts';

const prefix = 'tool:';

/**
 * The name in the ledger of a grant that is the credential of a tool server. It is no name that an agent can ask for: a grant of an
 * agent has no colon in its own.
 */
export const toolGrantName = (serverId: string): string => `${prefix}${serverId}`;

/** Undefined: it is a grant of an agent. */
export const serverOfGrant = (name: string): string | undefined =>
  name.startsWith(prefix) ? name.slice(prefix.length) : undefined;

/** What the configuration says of a grant of this agent, by its name in the ledger. */
export function grantSpecOf(config: EstopConfig, agentId: string, name: string): GrantSpec | undefined {
  const agent = config.agents.find((one) => one.agentId === agentId);
  if (agent === undefined) return undefined;
  if (!name.startsWith(prefix)) return agent.grants.find((grant) => grant.name === name);
  const server = config.toolServers.find(({ serverId }) => toolGrantName(serverId) === name);
  if (server?.grant === undefined || !mayUseServer(agent, server.serverId)) return undefined;
  const { connector, lifeMs, options } = server.grant;
  return { name, connector, lifeMs, options, when: 'first-use' };
}
