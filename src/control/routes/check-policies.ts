import { CheckPolicies, PolicyCheck } from '../../contract/http/policies.ts';
import type { PolicyFault } from '../../policy/parse-set.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { checkAgainstTools } from '../policies.ts';

export const checkPolicies = defineEndpoint({
  method: 'post',
  path: '/v1/policies:check',
  id: 'checkPolicies',
  summary: 'Whether these policies could be in force, against the tools that are accepted now; changes nothing',
  permission: 'policy:read',
  underElevation: 'allowed',
  repeats: 'repeatable',
  input: { path: nothing, query: nothing, body: CheckPolicies },
  answers: [{ status: 200, description: 'Every fault, or none', schema: PolicyCheck }],
  problems: [],
  handle: async ({ body }, _request, deps) => {
    const { checked, tools } = await checkAgainstTools(deps, body.files);
    const answer = checked.ok
      ? { valid: true, version: checked.set.version, faults: [], warnings: checked.warnings.map(shown), tools }
      : { valid: false, version: null, faults: checked.faults.map(shown), warnings: [], tools };
    return { status: 200, body: answer };
  },
});

const shown = ({ file, policy, message }: PolicyFault) => ({ file, policy: policy ?? null, message });
