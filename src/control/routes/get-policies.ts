import { PoliciesInForce } from '../../contract/http/policies.ts';
import { listPolicyActivations, openPolicyProposals } from '../../store/policies.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { policiesInForce } from '../policies.ts';

const longestHistory = 50;

export const getPolicies = defineEndpoint({
  method: 'get',
  path: '/v1/policies',
  id: 'getPolicies',
  summary: 'The policies that gateways decide by, who activated what before, and what waits for a second person',
  permission: 'policy:read',
  input: { path: nothing, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'In force', schema: PoliciesInForce }],
  problems: [],
  handle: async (_input, _request, deps) => {
    const [{ version, activation, files }, history, open] = await Promise.all([
      policiesInForce(deps),
      listPolicyActivations(deps.store, longestHistory),
      openPolicyProposals(deps.store),
    ]);
    const shown = history.map(({ secondedBy = null, ...one }) => ({ ...one, secondedBy }));
    const proposed = open.map(({ reason = null, ...one }) => ({ ...one, reason }));
    return { status: 200, body: { version, activation, files, history: shown, proposed } };
  },
});
