import { CloseResult, TaskPath } from '../../contract/http/tasks.ts';
import { EstopError } from '../../core/errors.ts';
import { appendAudit } from '../../store/audit.ts';
import { taskInPath } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { requireTask, showTask } from '../show-task.ts';

/**
 * Asks the workflow to end, which closes the row and ends its grants. No stop: for a moment its token still works, and a session
 * that must end now is stopped. A task that is no session ends when its work is done.
 */
export const closeSession = defineEndpoint({
  method: 'post',
  path: '/v1/tasks/{id}:close',
  id: 'closeSession',
  summary: 'End a session in an orderly way: its token and its grants end with it',
  permission: 'task:close',
  underElevation: 'allowed',
  concerns: taskInPath,
  input: { path: TaskPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'The workflow was told, or it was closed already', schema: CloseResult }],
  problems: ['unknown-task', 'conflict'],
  handle: async ({ path }, request, deps) => {
    const task = await requireTask(deps, path.id);
    if (task.kind !== 'session')
      throw new EstopError('conflict', { detail: 'Only a session is closed; a task is held or stopped.' });
    const isClosed = task.state === 'closed';
    if (!isClosed)
      await appendAudit(deps.store, {
        kind: 'session.close-asked',
        actor: request.identity.actor,
        subject: task.taskId,
        before: { state: task.state },
        after: { state: task.state, closeAsked: true },
      });
    const woken =
      isClosed || (await deps.workflows.tell(task.taskId, { name: 'close', actor: request.identity.actor }));
    return { status: 200, body: { task: await showTask(deps, task.taskId), woken } };
  },
});
