import type { Client } from '@temporalio/client';
import type { TaskSight, TaskWorkflows } from '../../activities/task-workflows.ts';
import { inWindow } from '../../activities/window.ts';
import type { Log } from '../../contract/identity.ts';
import { taskIdOfWorkflow, workflowTypes } from '../../contract/names.ts';
import { listOpenAmong, listOpenTasks, type WatchedTask } from '../../store/halt.ts';
import type { Store } from '../../store/pool.ts';
import { closeTasks } from '../../store/tasks.ts';
import type { Round } from './keep-going.ts';
import type { KillLatch } from './kill-latch.ts';

interface WatchdogDeps {
  readonly store: Store;
  readonly client: Client;
  readonly tasks: TaskWorkflows;
  readonly killLatch: KillLatch;
  readonly log: Log;
}

const closedEveryMs = 1_500;
/** The list lags: each look goes back behind the one before. */
const overlapMs = 15_000;
const firstLookBackMs = 10 * 60_000;
const walkEveryMs = 1_000;
const pageSize = 64;
const width = 16;
/** A task that was registered and is not known to Temporal this long after was never started. */
const startMs = 60_000;
const stuckMs = 2_000;

/**
 * The quick eye: tasks that Temporal lists as closed while the ledger has them open were ended by somebody else (in the UI, by a
 * time-out, by a failure). Their rows are closed, and with them their grants end. rule: task-end-ends-grants
 */
export function closedRound(deps: WatchdogDeps): Round {
  let since = Date.now() - firstLookBackMs;
  return {
    name: 'closed-tasks',
    run: async () => {
      const begun = Date.now();
      const query = `WorkflowType = '${workflowTypes.agentTask}' AND ExecutionStatus != 'Running' AND CloseTime > '${new Date(since).toISOString()}'`;
      const seen = new Set<string>();
      for await (const { workflowId } of deps.client.workflow.list({ query, pageSize: 500 })) {
        const taskId = taskIdOfWorkflow(workflowId);
        if (taskId !== undefined) seen.add(taskId);
      }
      const open = seen.size === 0 ? [] : await listOpenAmong(deps.store, [...seen]);
      await inWindow(open, width, (taskId) => judge(deps, { taskId, state: 'running', settled: false }), rethrow);
      since = begun - overlapMs;
      return closedEveryMs;
    },
  };
}

/**
 * The slow eye: walks all open tasks and looks at each. Finds what the list missed, tasks that never started, and tasks whose own
 * worker is stuck while a `kill` waits in their history.
 */
export function walkRound(deps: WatchdogDeps): Round {
  let after = '';
  return {
    name: 'open-tasks',
    run: async () => {
      const page = await listOpenTasks(deps.store, after, pageSize, startMs);
      await inWindow(page, width, (task) => judge(deps, task), rethrow);
      after = page.length < pageSize ? '' : (page.at(-1)?.taskId ?? '');
      return walkEveryMs;
    },
  };
}

async function judge({ store, tasks, killLatch, log }: WatchdogDeps, task: WatchedTask): Promise<void> {
  const { taskId } = task;
  const sight = await tasks.look(taskId);
  const ended = outcomeOf(sight, task);
  if (ended !== undefined) {
    // A kill that its workflow did not live to act on: the stop that was asked for reaches its descendants all the same.
    if (sight.kind === 'closed') await killLatch.latchIfUnlatched(taskId, sight.runId);
    const closed = await closeTasks(store, [taskId], ended);
    if (closed > 0)
      log.warn(
        { event: 'watchdog.closed', taskId, outcome: ended },
        'a task that others ended is closed in the ledger',
      );
    return;
  }
  if (sight.kind !== 'open') return;
  // Heard, and the workers that would latch for it are not there.
  if (sight.latchIsStuck) await killLatch.latchIfUnlatched(taskId, sight.runId);
  if (sight.waitsForWorkerSince === undefined) return;
  if (Date.now() - sight.waitsForWorkerSince.getTime() > stuckMs) await killLatch.latchIfUnheard(taskId, sight.runId);
}

function outcomeOf(sight: TaskSight, { state, settled }: WatchedTask): string | undefined {
  switch (sight.kind) {
    case 'open':
      return undefined;
    case 'closed':
      return sight.outcome;
    case 'absent':
      // Registered a moment ago: its start is on the way. `begin_task` refuses it if it comes later than this.
      if (!settled) return undefined;
      return state === 'registered' ? 'never-started' : 'deleted';
  }
}

/** The round fails and is repeated: nothing is skipped. */
function rethrow(_item: unknown, thrown: unknown): never {
  throw thrown;
}
