import type { ActivationResult } from '../contract/http/policies.ts';
import { type Identity, personOf } from '../contract/identity.ts';
import { EstopError } from '../core/errors.ts';
import { type CheckedSet, checkPolicies } from '../policy/check-set.ts';
import { type PolicyFiles, parsePolicySet } from '../policy/parse-set.ts';
import type { KnownTool } from '../policy/tool-shape.ts';
import { acceptedTools, activatePolicies, activePolicies } from '../store/policies.ts';
import type { ControlDeps } from './deps.ts';
import { namesOfCaller } from './names-of-caller.ts';

/** Against what is accepted of the tools now: a name that no tool has is a slip of the pen, and would never match. */
export async function checkAgainstTools(
  deps: ControlDeps,
  files: PolicyFiles,
): Promise<{ readonly checked: CheckedSet; readonly tools: number }> {
  const tools: readonly KnownTool[] = await acceptedTools(deps.store);
  return { checked: checkPolicies(files, tools), tools: tools.length };
}

export interface InForce {
  readonly activation: number;
  readonly version: string;
  readonly files: PolicyFiles;
}

/** What gateways decide by: the newest activation, and before the first what comes with estop. */
export async function policiesInForce(deps: ControlDeps): Promise<InForce> {
  const active = await activePolicies(deps.store);
  if (active !== undefined) return active;
  const parsed = parsePolicySet(deps.policies);
  if (!parsed.ok) throw new EstopError('internal', { detail: 'the policies that come with estop cannot be read' });
  return { activation: 0, version: parsed.set.version, files: deps.policies };
}

/** Checked again in the same request: what is put in force is what was found valid, against the tools of now. */
export async function putInForce(
  deps: ControlDeps,
  wanted: { readonly files: PolicyFiles; readonly identity: Identity; readonly reason: string; readonly after: number },
): Promise<{ readonly status: 200 | 202; readonly body: ActivationResult }> {
  const { identity, ...others } = wanted;
  const actor = personOf(identity);
  const { checked } = await checkAgainstTools(deps, wanted.files);
  if (!checked.ok) {
    deps.log.error(
      { event: 'policy.refused', actor, faults: checked.faults.length },
      'a set of policies is not valid and was refused; the one in force stays',
    );
    const fields = checked.faults.slice(0, 50).map(({ file, policy, message }) => ({
      pointer: `/files/${file}${policy === undefined ? '' : `#${policy}`}`,
      message,
    }));
    throw new EstopError('invalid-input', { detail: 'The policies are not valid. What is in force stays.', fields });
  }
  const { version } = checked.set;
  const twoPeople = deps.config.current().policies?.activationPeople === 2;
  const outcome = await activatePolicies(deps.store, {
    ...others,
    actor,
    names: namesOfCaller(identity, deps),
    version,
    twoPeople,
  });
  switch (outcome.kind) {
    case 'activated':
    case 'already':
      return { status: 200, body: { version, outcome: outcome.kind, activation: outcome.activation } };
    case 'needs-second-person':
      return { status: 202, body: { version, outcome: 'awaiting-second-person', activation: null } };
    case 'overtaken':
      throw new EstopError('conflict', { detail: 'Somebody else activated policies meanwhile. Look at them first.' });
  }
}
