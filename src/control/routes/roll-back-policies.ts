import { ActivationResult, RollBackPolicies } from '../../contract/http/policies.ts';
import { EstopError } from '../../core/errors.ts';
import type { PolicyFiles } from '../../policy/parse-set.ts';
import { earlierPolicies, listPolicyActivations } from '../../store/policies.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { policiesInForce, putInForce } from '../policies.ts';

/** A rollback is an activation like any other: checked against the tools of now, audited, and by as many people. */
export const rollBackPolicies = defineEndpoint({
  method: 'post',
  path: '/v1/policies:rollback',
  id: 'rollBackPolicies',
  summary: 'Put an earlier set of policies in force again; without a version the one before',
  permission: 'policy:activate',
  underElevation: 'refused',
  repeats: 'stored',
  input: { path: nothing, query: nothing, body: RollBackPolicies },
  answers: [
    { status: 200, description: 'In force, now or before', schema: ActivationResult },
    {
      status: 202,
      description: 'Recorded; not in force until another person wants the same',
      schema: ActivationResult,
    },
  ],
  problems: ['not-found', 'conflict'],
  handle: async ({ body: { reason, version } }, request, deps) => {
    const { activation } = await policiesInForce(deps);
    const files = version === undefined ? await filesBefore(deps) : await earlierPolicies(deps.store, version);
    if (files === undefined) throw new EstopError('not-found', { detail: 'No set of that version was ever in force.' });
    return putInForce(deps, { files, reason, after: activation, identity: request.identity });
  },
});

/** Before the first activation stands what comes with estop. */
async function filesBefore(deps: ControlDeps): Promise<PolicyFiles | undefined> {
  const [newest, before] = await listPolicyActivations(deps.store, 2);
  if (newest === undefined) return undefined;
  return before === undefined ? deps.policies : earlierPolicies(deps.store, before.version);
}
