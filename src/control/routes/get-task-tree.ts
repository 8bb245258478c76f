import { TaskPath, TaskTree } from '../../contract/http/tasks.ts';
import { listTasks } from '../../store/tasks.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { requireTask, showTasks } from '../show-task.ts';

const most = 200;

export const getTaskTree = defineEndpoint({
  method: 'get',
  path: '/v1/tasks/{id}/tree',
  id: 'getTaskTree',
  summary: 'The whole tree that a task belongs to, from its root down',
  permission: 'task:read',
  input: { path: TaskPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'The newest first; parents are named', schema: TaskTree }],
  problems: ['unknown-task'],
  handle: async ({ path }, _request, deps) => {
    const task = await requireTask(deps, path.id);
    const page = await listTasks(deps.store, { rootId: task.rootId, limit: most });
    const isMissing = !page.items.some((one) => one.taskId === task.taskId);
    const items = await showTasks(deps, isMissing ? [...page.items, task] : page.items);
    return { status: 200, body: { items, truncated: page.next !== undefined } };
  },
});
