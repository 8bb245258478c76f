import { TaskPath, TaskToken } from '../../contract/http/tasks.ts';
import { EstopError } from '../../core/errors.ts';
import { checkTask, type TaskRecord } from '../../store/tasks.ts';
import { taskInPath } from '../concern.ts';
import type { ControlDeps } from '../deps.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { requireTask } from '../show-task.ts';

/** The same for whoever may have one: nothing of its bearer is in it. */
export function signFor({ signer }: Pick<ControlDeps, 'signer'>, task: TaskRecord) {
  const { taskId, agentId, agents, keys, epoch } = task;
  return signer.sign({ taskId, agentId, agents, keys, epoch });
}

/** The token carries the TASK's epoch: however often it is renewed, a stop after the task's registration kills it. */
export const issueTaskToken = defineEndpoint({
  method: 'post',
  path: '/v1/tasks/{id}/tokens',
  id: 'issueTaskToken',
  summary: 'A token with which this task may call the gateway',
  permission: 'task:token',
  underElevation: 'refused',
  concerns: taskInPath,
  repeats: 'repeatable',
  input: { path: TaskPath, query: nothing, body: nothing },
  answers: [{ status: 201, description: 'Shown once, kept nowhere', schema: TaskToken }],
  problems: ['unknown-task', 'stopped', 'conflict'],
  handle: async ({ path }, _request, deps) => {
    const [task, check] = await Promise.all([requireTask(deps, path.id), checkTask(deps.store, path.id)]);
    if (check?.stopId !== undefined) throw new EstopError('stopped', { detail: `Covered by ${check.stopId}.` });
    if (check === undefined || check.state === 'closed')
      throw new EstopError('conflict', { detail: 'This task is closed.' });
    const { token, expiresAt } = await signFor(deps, task);
    return { status: 201, body: { token, expiresAt: new Date(expiresAt).toISOString(), taskId: task.taskId } };
  },
});
