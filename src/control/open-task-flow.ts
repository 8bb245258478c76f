import type { AgentSpec } from '../contract/config.ts';
import { openTaskFlow as open } from '../core/flow/open-flow.ts';
import { openFlow } from '../store/task-flows.ts';
import type { ControlDeps } from './deps.ts';

/**
 * What the person asked for, before anything runs that could say otherwise: the gate compares every value of the task with it. The
 * text itself is not kept, and an agent has no way to add to it. A retry changes nothing: the first opening stands.
 */
export async function openTaskFlow(
  { store, flowKeys }: Pick<ControlDeps, 'store' | 'flowKeys'>,
  task: { readonly taskId: string; readonly agent: AgentSpec; readonly request: string },
): Promise<void> {
  const { taskId, agent, request } = task;
  const { keyId, hash } = flowKeys.newest(taskId);
  const contacts = Object.entries(agent.contacts ?? {}).map(([name, addresses]) => ({ name, addresses }));
  const { delta } = open({ request, ownIdentities: agent.identities ?? [], contacts, hash });
  await openFlow(store, { taskId, keyId, delta });
}
