import { MayGiveReason } from '../../contract/http/fields.ts';
import { HoldResult, TaskPath } from '../../contract/http/tasks.ts';
import { taskInPath } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { holdOrRelease } from '../hold-or-release.ts';

export const holdTask = defineEndpoint({
  method: 'post',
  path: '/v1/tasks/{id}:hold',
  id: 'holdTask',
  summary: 'Hold a task and its children: power stays on, nothing new is admitted',
  permission: 'task:hold',
  underElevation: 'allowed',
  concerns: taskInPath,
  input: { path: TaskPath, query: nothing, body: MayGiveReason },
  answers: [{ status: 200, description: 'The ledger has it', schema: HoldResult }],
  problems: ['unknown-task', 'conflict'],
  handle: ({ path, body }, request, deps) => holdOrRelease(deps, path.id, 'hold', request, body.reason),
});
