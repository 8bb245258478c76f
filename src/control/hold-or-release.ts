import { EstopError } from '../core/errors.ts';
import { setTaskHeld } from '../store/tasks.ts';
import type { ControlDeps } from './deps.ts';
import type { Reply, RequestInfo } from './endpoint.ts';
import { requireTask, showTask } from './show-task.ts';

/** The store holds: from its commit on the gateway admits nothing. The signal only spares the workflow a refused call. */
export async function holdOrRelease(
  deps: ControlDeps,
  taskId: string,
  verb: 'hold' | 'release',
  request: RequestInfo,
  reason: string | undefined,
): Promise<Reply> {
  const { state } = await requireTask(deps, taskId);
  const { actor } = request.identity;
  const isDone = state !== 'closed' && (await setTaskHeld(deps.store, taskId, verb === 'hold', actor, reason));
  if (!isDone) throw new EstopError('conflict', { detail: 'This task is closed.' });
  const woken = await deps.workflows.tell(taskId, { name: verb, messageId: request.requestId });
  return { status: 200, body: { task: await showTask(deps, taskId), woken } };
}
