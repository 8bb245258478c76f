import type { Task } from '../contract/http/tasks.ts';
import { EstopError } from '../core/errors.ts';
import { taskKillers } from '../store/task-killers.ts';
import { getTask, type TaskRecord } from '../store/tasks.ts';
import type { ControlDeps } from './deps.ts';
import { drillLink, taskLink } from './workflow-link.ts';

export async function requireTask(deps: ControlDeps, taskId: string): Promise<TaskRecord> {
  const task = await getTask(deps.store, taskId);
  if (task === undefined) throw new EstopError('unknown-task');
  return task;
}

export async function showTasks(
  deps: Pick<ControlDeps, 'store' | 'temporalUiUrl'>,
  tasks: readonly TaskRecord[],
): Promise<readonly Task[]> {
  const killers = await taskKillers(
    deps.store,
    tasks.map((task) => task.taskId),
  );
  return tasks.map((task) => ({
    taskId: task.taskId,
    agentId: task.agentId,
    kind: task.kind,
    parentTaskId: task.parentId ?? null,
    rootTaskId: task.rootId,
    depth: task.depth,
    state: task.state,
    held: task.held,
    stoppedBy: killers.get(task.taskId) ?? null,
    outcome: task.outcome ?? null,
    purpose: task.purpose,
    requestedBy: task.requestedBy,
    epoch: task.epoch,
    registeredAt: task.registeredAt,
    closedAt: task.closedAt ?? null,
    workflow: (task.kind === 'drill' ? drillLink : taskLink)(deps.temporalUiUrl, task.taskId),
  }));
}

export async function showTask(deps: ControlDeps, taskId: string): Promise<Task> {
  const [shown] = await showTasks(deps, [await requireTask(deps, taskId)]);
  if (shown === undefined) throw new EstopError('unknown-task');
  return shown;
}
