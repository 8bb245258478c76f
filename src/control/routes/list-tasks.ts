import { TaskPage, TaskQuery } from '../../contract/http/tasks.ts';
import { drilledConnector } from '../../contract/names.ts';
import { listTasks as list } from '../../store/tasks.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';
import { showTasks } from '../show-task.ts';

export const listTasks = defineEndpoint({
  method: 'get',
  path: '/v1/tasks',
  id: 'listTasks',
  summary: 'Tasks, newest first',
  permission: 'task:read',
  input: { path: nothing, query: TaskQuery, body: nothing },
  answers: [{ status: 200, description: 'One page', schema: TaskPage }],
  problems: [],
  look: async ({ query }, deps) => {
    const filters = {
      ...(query.agent === undefined ? {} : { agentId: query.agent }),
      withoutPastDrills: query.drills === 'false' && drilledConnector(query.agent ?? '') === undefined,
      ...(query.state === undefined ? {} : { open: query.state === 'open' }),
    };
    const page = await list(deps.store, { ...pageRequest(query), ...filters });
    return { items: await showTasks(deps, page.items), next: page.next ?? null };
  },
});
