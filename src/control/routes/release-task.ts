import { MayGiveReason } from '../../contract/http/fields.ts';
import { HoldResult, TaskPath } from '../../contract/http/tasks.ts';
import { taskInPath } from '../concern.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { holdOrRelease } from '../hold-or-release.ts';

export const releaseTask = defineEndpoint({
  method: 'post',
  path: '/v1/tasks/{id}:release',
  id: 'releaseTask',
  summary: 'Let a held task go on',
  permission: 'task:hold',
  underElevation: 'allowed',
  concerns: taskInPath,
  input: { path: TaskPath, query: nothing, body: MayGiveReason },
  answers: [{ status: 200, description: 'The ledger has it', schema: HoldResult }],
  problems: ['unknown-task', 'conflict'],
  handle: ({ path, body }, request, deps) => holdOrRelease(deps, path.id, 'release', request, body.reason),
});
