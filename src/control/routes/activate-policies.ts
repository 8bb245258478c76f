import { ActivatePolicies, ActivationResult } from '../../contract/http/policies.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { policiesInForce, putInForce } from '../policies.ts';

/** What is not valid is refused, and what is in force stays. Who may, and whether one person is enough, is decided here. */
export const activatePolicies = defineEndpoint({
  method: 'post',
  path: '/v1/policies:activate',
  id: 'activatePolicies',
  summary: 'Put these policies in force at every gateway',
  permission: 'policy:activate',
  underElevation: 'refused',
  repeats: 'stored',
  input: { path: nothing, query: nothing, body: ActivatePolicies },
  answers: [
    { status: 200, description: 'In force, now or before', schema: ActivationResult },
    {
      status: 202,
      description: 'Recorded; not in force until another person wants the same',
      schema: ActivationResult,
    },
  ],
  problems: ['conflict'],
  handle: async ({ body: { files, reason, after } }, request, deps) => {
    const seen = after ?? (await policiesInForce(deps)).activation;
    return putInForce(deps, { files, reason, after: seen, identity: request.identity });
  },
});
