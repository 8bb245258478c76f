import type { EstopConfig } from '../../src/contract/config.ts';
import type { TaskWorkflows } from '../../src/control/task-workflows.ts';
import { agents, type Bed, configured, people as persons } from './before-a-change.ts';
import { makeControl } from './rig.ts';
import { peopleRig } from './sign-in/people.ts';

/** What they say stands in the ledger; that a workflow heard of it is looked at elsewhere. */
const workflows: TaskWorkflows = {
  start: async () => 'started',
  tell: async () => true,
  ask: async () => undefined,
  isReachable: async () => true,
};

/** A control that knows all that `changes` names, and people who sign in to it. */
export async function makeChangeBed(): Promise<Bed> {
  const made = await makeControl(agents);
  const config = (): EstopConfig => ({ ...made.deps.config.current(), ...configured });
  const people = peopleRig(made.withDeps({ workflows, config: { current: config } }), persons);
  return { rig: people.rig, people };
}
