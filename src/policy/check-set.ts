import { validate } from '@cedar-policy/cedar-wasm/nodejs';
import { type ActionShape, schemaFor } from './fact-schema.ts';
import { kinds } from './kinds.ts';
import { type PolicyFault, type PolicyFiles, type PolicySet, parsePolicySet } from './parse-set.ts';
import { type KnownTool, shapeOf, withoutArguments } from './tool-shape.ts';

export type CheckedSet =
  | { readonly ok: true; readonly set: PolicySet; readonly warnings: readonly PolicyFault[] }
  | { readonly ok: false; readonly faults: readonly PolicyFault[] };

/** So that a set for all tools can be checked before any tool is known. No server may be called `any`-something with a dot. */
const standIn: ActionShape = { action: 'any.server/tool', serverId: 'any.server', input: undefined };
/** What one agent needs is said by its labels: a policy for each agent makes every decision of all of them slower. */
const mostForSingleAgents = 50;

/** Everything that is asked of a set before it may be in force. The tools are those on record. */
export function checkPolicies(files: PolicyFiles, tools: readonly KnownTool[]): CheckedSet {
  const parsed = parsePolicySet(files);
  if (!parsed.ok) return parsed;
  const { set } = parsed;
  const shapes = tools.map(set.reads.tool.context.has('input') ? shapeOf : withoutArguments);
  const staticPolicies = Object.fromEntries([...set.policies].map(([id, { json }]) => [id, json]));
  const answer = validate({
    schema: schemaFor([standIn, ...shapes], undefined, kinds),
    policies: { staticPolicies },
    validationSettings: { mode: 'strict' },
  });
  if (answer.type === 'failure')
    return { ok: false, faults: answer.errors.map(({ message }) => ({ file: '', message })) };
  const faults = answer.validationErrors.map(({ policyId, error }) => faultOf(policyId, error));
  if (forSingleAgents(set) > mostForSingleAgents)
    faults.push({ file: '', message: `more than ${mostForSingleAgents} policies name one agent each: use labels` });
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, set, warnings: answer.validationWarnings.map(({ policyId, error }) => faultOf(policyId, error)) };
}

const faultOf = (policy: string, error: { readonly message: string; readonly help: string | null }): PolicyFault => ({
  file: '',
  policy,
  message: error.help === null ? error.message : `${error.message} (${error.help})`,
});

const forSingleAgents = ({ policies }: PolicySet): number =>
  [...policies.values()].filter(({ json }) => json.principal.op === '==').length;
