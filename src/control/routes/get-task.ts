import { Task, TaskPath } from '../../contract/http/tasks.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTask } from '../show-task.ts';

export const getTask = defineEndpoint({
  method: 'get',
  path: '/v1/tasks/{id}',
  id: 'getTask',
  summary: 'One task',
  permission: 'task:read',
  input: { path: TaskPath, query: nothing, body: nothing },
  answers: [{ status: 200, description: 'As the ledger has it', schema: Task }],
  problems: ['unknown-task'],
  look: ({ path }, deps) => showTask(deps, path.id),
});
