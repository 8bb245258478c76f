import { OpenSession, Task } from '../../contract/http/tasks.ts';
import { agentInBody } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { showTask } from '../show-task.ts';
import { startTask } from '../start-task.ts';

/** A task like any other but that its workflow calls nothing: whoever holds its token does, through the gateway. */
export const openSession = defineEndpoint({
  method: 'post',
  path: '/v1/sessions',
  id: 'openSession',
  summary: 'Open a session that stands for an agent which runs outside; ask for its token next',
  permission: 'task:start',
  underElevation: 'refused',
  concerns: agentInBody,
  input: { path: nothing, query: nothing, body: OpenSession },
  answers: [{ status: 201, description: 'Registered and started', schema: Task }],
  problems: ['unknown-agent', 'stopped', 'limit-exceeded', 'conflict', 'temporal-unavailable'],
  handle: async ({ body: { agentId, purpose, idleMs, lifeMs } }, request, deps) => {
    const session = { ...(idleMs === undefined ? {} : { idleMs }), ...(lifeMs === undefined ? {} : { lifeMs }) };
    const wanted = { agentId, prompt: '', session, ...(purpose === undefined ? {} : { purpose }) };
    const taskId = await startTask(deps, wanted, request);
    return { status: 201, body: await showTask(deps, taskId), headers: { location: `/v1/tasks/${taskId}` } };
  },
});
