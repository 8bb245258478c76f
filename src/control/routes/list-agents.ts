import { AgentPage } from '../../contract/http/agents.ts';
import { agentStandings } from '../../store/agent-standing.ts';
import { listAgents as list } from '../../store/agents.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showAgents } from '../show-agent.ts';

export const listAgents = defineEndpoint({
  method: 'get',
  path: '/v1/agents',
  id: 'listAgents',
  summary: 'The registered agents, by id',
  permission: 'agent:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'All of them', schema: AgentPage }],
  problems: [],
  look: async (_input, deps) => {
    const [agents, standings] = await Promise.all([list(deps.store), agentStandings(deps.store)]);
    const items = showAgents(agents, standings, deps.config.current());
    return { items, next: null };
  },
});
