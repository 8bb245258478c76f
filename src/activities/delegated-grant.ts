import type { AgentSpec, EstopConfig, GrantSpec } from '../contract/config.ts';
import { lineOf, mayHoldGrant } from '../contract/delegation.ts';
import type { TaskRecord } from '../store/tasks.ts';

/** Whether every agent whose list binds this task may hold the same credential. */
export function isDelegated(
  config: EstopConfig,
  { agentId, agents }: Pick<TaskRecord, 'agentId' | 'agents'>,
  spec: GrantSpec,
): boolean {
  const find = (one: string): AgentSpec | undefined => config.agents.find((agent) => agent.agentId === one);
  const line = lineOf(find, agentId, agents);
  return line !== undefined && mayHoldGrant(line, spec);
}
