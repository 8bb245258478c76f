import { sharedCredentials } from '../../contract/credential-use.ts';
import { AgentPage } from '../../contract/http/agents.ts';
import { agentStandings } from '../../store/agent-standing.ts';
import { listAgents as list } from '../../store/agents.ts';
import { labelsOf } from '../agent-labels.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const listAgents = defineEndpoint({
  method: 'get',
  path: '/v1/agents',
  id: 'listAgents',
  summary: 'The registered agents, by id',
  permission: 'agent:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'All of them', schema: AgentPage }],
  problems: [],
  handle: async (_input, _request, deps) => {
    const [agents, standings] = await Promise.all([list(deps.store), agentStandings(deps.store)]);
    const shared = sharedCredentials(deps.config.current());
    const items = agents.map((agent) => ({
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
    return { status: 200, body: { items, next: null } };
  },
});
