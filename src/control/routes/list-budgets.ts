import { AgentPath, BudgetPage } from '../../contract/http/limits.ts';
import { EstopError } from '../../core/errors.ts';
import { getAgent } from '../../store/agents.ts';
import { showBudgets } from '../../store/budgets.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';

export const listBudgets = defineEndpoint({
  method: 'get',
  path: '/v1/agents/{id}/budgets',
  id: 'listBudgets',
  summary: 'What an agent may spend, and what of it is spent or reserved',
  permission: 'agent:read',
  input: { path: AgentPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'By scope, the newest first', schema: BudgetPage }],
  problems: ['unknown-agent'],
  handle: async ({ path }, _request, deps) => {
    if ((await getAgent(deps.store, path.id)) === undefined) throw new EstopError('unknown-agent');
    const items = (await showBudgets(deps.store, path.id)).map(({ agentId: _its, ...budget }) => budget);
    return { status: 200, body: { items, next: null } };
  },
});
