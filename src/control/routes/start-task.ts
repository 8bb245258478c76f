import { StartTask, Task } from '../../contract/http/tasks.ts';
import { agentInBody } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTask } from '../show-task.ts';
import { startTask as start } from '../start-task.ts';

export const startTask = defineEndpoint({
  method: 'post',
  path: '/v1/tasks',
  id: 'startTask',
  summary: 'Start a task of an agent',
  permission: 'task:start',
  underElevation: 'allowed',
  concerns: agentInBody,
  input: { path: nothing, query: nothing, body: StartTask },
  answers: [{ status: 201, description: 'Registered and started', schema: Task }],
  problems: ['unknown-agent', 'stopped', 'limit-exceeded', 'conflict', 'temporal-unavailable'],
  handle: async ({ body }, request, deps) => {
    const taskId = await start(deps, body, request);
    return { status: 201, body: await showTask(deps, taskId), headers: { location: `/v1/tasks/${taskId}` } };
  },
});
