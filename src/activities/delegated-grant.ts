import type { AgentSpec, EstopConfig, GrantSpec } from '../contract/config.ts';
import { mayUseServer } from '../contract/credential-use.ts';
import { haveGrant, lineOf } from '../contract/delegation.ts';
import { serverOfGrant } from '../contract/tool-grant.ts';
import type { TaskRecord } from '../store/tasks.ts';

/** Whether every agent whose list binds this task has the same credential for its own tasks, or may use the tool server that it is of. */
export function isDelegated(
  config: EstopConfig,
  { agentId, agents }: Pick<TaskRecord, 'agentId' | 'agents'>,
  spec: GrantSpec,
): boolean {
  const find = (one: string): AgentSpec | undefined => config.agents.find((agent) => agent.agentId === one);
  const line = lineOf(find, agentId, agents);
  if (line === undefined) return false;
  const serverId = serverOfGrant(spec.name);
  return serverId === undefined ? haveGrant(line, spec) : line.every((agent) => mayUseServer(agent, serverId));
}
