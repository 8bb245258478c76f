import { AgentView } from '../../contract/http/agent-view.ts';
import { AgentPath } from '../../contract/http/limits.ts';
import { EstopError } from '../../core/errors.ts';
import { agentStandings } from '../../store/agent-standing.ts';
import { getAgent as read } from '../../store/agents.ts';
import { listToolPins } from '../../store/tool-pins.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { reachOf } from '../reach.ts';
import { showAgents } from '../show-agent.ts';

export const getAgent = defineEndpoint({
  method: 'get',
  path: '/v1/agents/{id}',
  id: 'getAgent',
  summary: 'One agent: who answers for it, what it is given, and all that it can reach',
  permission: 'agent:read',
  input: { path: AgentPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'As configured and on record now', schema: AgentView }],
  problems: ['unknown-agent'],
  handle: async ({ path }, _request, deps) => {
    const [agent, standings, pins] = await Promise.all([
      read(deps.store, path.id),
      agentStandings(deps.store),
      listToolPins(deps.store, {}),
    ]);
    if (agent === undefined) throw new EstopError('unknown-agent');
    const config = deps.config.current();
    const [shown] = showAgents([agent], standings, config);
    const spec = config.agents.find((one) => one.agentId === path.id);
    const tools = pins.map((pin) => ({ tool: `${pin.serverId}/${pin.tool}`, tier: pin.tier }));
    return {
      status: 200,
      body: {
        ...shown,
        configured: spec !== undefined,
        models: spec === undefined ? [] : [...new Set([spec.model, ...(spec.models ?? [])])],
        mayStart: spec?.mayStart ?? [],
        delegation: spec?.delegation ?? 'intersect',
        grants: (spec?.grants ?? []).map(({ name, connector, lifeMs }) => ({ name, connector, lifeMs })),
        limits: { ...spec?.limits },
        breakers: (spec?.breakers ?? []).map(({ breaker, action, most, withinMs }) => ({
          breaker,
          action,
          most,
          withinMs,
        })),
        reach: spec === undefined ? [] : reachOf(agent.agentId, config, tools),
      },
    };
  },
});
