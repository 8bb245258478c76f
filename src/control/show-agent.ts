import type { EstopConfig } from '../contract/config.ts';
import { sharedCredentials } from '../contract/credential-use.ts';
import type { Agent } from '../contract/http/agents.ts';
import type { AgentStanding } from '../store/agent-standing.ts';
import type { AgentRecord } from '../store/agents.ts';
import { labelsOf } from './agent-labels.ts';

/** As every answer shows an agent. */
export function showAgents(
  agents: readonly AgentRecord[],
  standings: ReadonlyMap<string, AgentStanding>,
  config: EstopConfig,
): readonly Agent[] {
  const shared = sharedCredentials(config);
  return agents.map((agent) => ({
    agentId: agent.agentId,
    owner: agent.owner,
    stopHolder: agent.stopHolder,
    labels: labelsOf(agent.labelKeys),
    sharedCredentials: shared
      .filter((one) => one.agents.includes(agent.agentId))
      .map((one) => ({ at: one.at, with: one.agents.filter((other) => other !== agent.agentId) })),
    openTasks: standings.get(agent.agentId)?.openTasks ?? 0,
    stoppedBy: standings.get(agent.agentId)?.stopId ?? null,
    registeredAt: agent.registeredAt,
    retiredAt: agent.retiredAt ?? null,
  }));
}
