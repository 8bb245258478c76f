import { sessionsConnectedBy } from '../../store/client-tickets.ts';
import { closeTasks } from '../../store/tasks.ts';
import type { ControlDeps } from '../deps.ts';

type Needs = Pick<ControlDeps, 'store' | 'workflows'>;

/** Its row first: from there on no call is admitted. Then its workflow, which ends its grants. */
export async function endSession(
  { store, workflows }: Needs,
  taskId: string,
  why: 'shown-twice' | 'person-disabled',
): Promise<void> {
  await closeTasks(store, [taskId], why);
  await workflows.tell(taskId, { name: 'close', actor: 'estop' }).catch(() => false);
}

/** Of somebody who is shut out: what a client of theirs holds is not waited for until it ends. */
export async function endSessionsOf(deps: Needs, personId: string): Promise<void> {
  const sessions = await sessionsConnectedBy(deps.store, personId);
  await Promise.all(sessions.map((taskId) => endSession(deps, taskId, 'person-disabled')));
}
