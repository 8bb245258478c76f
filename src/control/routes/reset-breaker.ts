import { AgentPath, BreakerResetResult, ResetBreaker } from '../../contract/http/limits.ts';
import { EstopError } from '../../core/errors.ts';
import { getAgent } from '../../store/agents.ts';
import { resetBreaker as reset } from '../../store/breakers.ts';
import { agentInPath } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

/** Ends a trip and begins to count anew. What a breaker stopped is reset as a stop, by who may do that. */
export const resetBreaker = defineEndpoint({
  method: 'post',
  path: '/v1/agents/{id}:reset-breaker',
  id: 'resetBreaker',
  summary: 'Reset a breaker that tripped: a hold ends, and counting begins anew',
  permission: 'breaker:reset',
  underElevation: 'refused',
  concerns: agentInPath,
  repeats: 'repeatable',
  input: { path: AgentPath, query: nothing, body: ResetBreaker },
  answers: [{ status: 200, description: 'Reset, or there was nothing to reset', schema: BreakerResetResult }],
  problems: ['unknown-agent', 'conflict'],
  handle: async ({ path, body }, request, deps) => {
    const agentId = path.id;
    const { breaker, reason } = body;
    if ((await getAgent(deps.store, agentId)) === undefined) throw new EstopError('unknown-agent');
    const outcome = await reset(deps.store, { agentId, breaker, actor: request.identity.actor, reason });
    if (outcome.kind === 'stopped')
      throw new EstopError('conflict', { detail: `This breaker stopped the agent; reset the stop ${outcome.stopId}.` });
    return { status: 200, body: { agentId, breaker, outcome: outcome.kind } };
  },
});
