import type { Client } from '@temporalio/client';
import { listWorkflows } from '../../activities/list-workflows.ts';
import type { TaskSight, TaskWorkflows } from '../../activities/task-workflows.ts';
import { inWindow } from '../../activities/window.ts';
import type { Log } from '../../contract/identity.ts';
import { taskIdOfWorkflow, taskWorkflowTypes } from '../../contract/names.ts';
import { countOpenTasks, listOpenAmong, listOpenTasks, type WatchedTask } from '../../store/halt.ts';
import type { Store } from '../../store/pool.ts';
import { closeTasks } from '../../store/tasks.ts';
import type { Round } from './keep-going.ts';
import type { KillLatch } from './kill-latch.ts';
import type { RequireOwnTemporal } from './own-temporal.ts';

interface WatchdogDeps {
  readonly store: Store;
  readonly client: Client;
  readonly tasks: TaskWorkflows;
  readonly killLatch: KillLatch;
  readonly requireOwn: RequireOwnTemporal;
  readonly log: Log;
}

/**
 * Each look is a request to a server that has better things to do: where a round took long, because there is much to look at or the
 * server is slow, the rest after it is so many times as long, within limits.
 */
interface Pace {
  readonly floorMs: number;
  readonly times: number;
  readonly ceilingMs: number;
}
/** Right after thousands have ended, the list of them is long. */
const closedPace: Pace = { floorMs: 1_500, times: 9, ceilingMs: 10_000 };
const walkPace: Pace = { floorMs: 1_000, times: 3, ceilingMs: 5_000 };
/** The list lags: each look goes back behind the one before. */
const overlapMs = 15_000;
const firstLookBackMs = 10 * 60_000;
/** On a server that is quick, a walk over all open tasks takes about this long, however many there are. */
const walkTakesMs = 30_000;
const pageFloor = 64;
const pageCeiling = 512;
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
      const startedAt = performance.now();
      const query = `WorkflowType IN ${taskWorkflowTypes} AND ExecutionStatus != 'Running' AND CloseTime > '${new Date(since).toISOString()}'`;
      const seen = new Set<string>();
      for await (const { workflowId } of listWorkflows(deps.client, query, 500)) {
        const taskId = taskIdOfWorkflow(workflowId);
        if (taskId !== undefined) seen.add(taskId);
      }
      const open = seen.size === 0 ? [] : await listOpenAmong(deps.store, [...seen]);
      const judgeOne = async (taskId: string): Promise<void> =>
        void (await judge(deps, { taskId, state: 'running', settled: false }));
      await inWindow(open, width, judgeOne, rethrow);
      since = begun - overlapMs;
      return restAfter(startedAt, closedPace);
    },
  };
}

/**
 * The slow eye: walks all open tasks and looks at each. Finds what the list missed, tasks that never started, and tasks whose own
 * worker is stuck while a `kill` waits in their history.
 */
export function walkRound(deps: WatchdogDeps): Round {
  let after = '';
  let pageSize = pageFloor;
  // What was seen of stuck tasks in the walk before, so that a history which is still the same is not read again.
  let before: ReadonlyMap<string, string> = new Map();
  let now = new Map<string, string>();
  return {
    name: 'open-tasks',
    run: async () => {
      const startedAt = performance.now();
      if (after === '') pageSize = pageFor(await countOpenTasks(deps.store));
      const page = await listOpenTasks(deps.store, after, pageSize, startMs);
      const judgeOne = async (task: WatchedTask): Promise<void> => {
        const sight = await judge(deps, task);
        if (sight.kind !== 'open' || !isStuck(sight)) return;
        const version = `${sight.runId}/${sight.events}`;
        if (before.get(task.taskId) !== version && sight.events >= fewestEventsWithSignal)
          await deps.killLatch.latchIfUnheard(task.taskId, sight.runId);
        now.set(task.taskId, version);
      };
      await inWindow(page, width, judgeOne, rethrow);
      after = page.length < pageSize ? '' : (page.at(-1)?.taskId ?? '');
      if (after === '') [before, now] = [now, new Map()];
      return restAfter(startedAt, walkPace);
    },
  };
}

/** Started, to be taken up by a worker: there is nothing else in a history of two events. */
const fewestEventsWithSignal = 3;

const pageFor = (open: number): number =>
  Math.min(pageCeiling, Math.max(pageFloor, Math.ceil((open * walkPace.floorMs) / walkTakesMs)));

const restAfter = (startedAt: number, { floorMs, times, ceilingMs }: Pace): number =>
  Math.min(ceilingMs, Math.max(floorMs, (performance.now() - startedAt) * times));

const isStuck = ({ waitsForWorkerSince }: Extract<TaskSight, { readonly kind: 'open' }>): boolean =>
  waitsForWorkerSince !== undefined && Date.now() - waitsForWorkerSince.getTime() > stuckMs;

async function judge(
  { store, tasks, killLatch, requireOwn, log }: WatchdogDeps,
  task: WatchedTask,
): Promise<TaskSight> {
  const { taskId } = task;
  const sight = await tasks.look(taskId);
  const ended = outcomeOf(sight, task);
  if (ended !== undefined) {
    // That a Temporal of another environment does not know it says nothing. The walk goes on: others wait for their kill to be heard.
    if (sight.kind === 'absent' && !(await isOwn(requireOwn))) return sight;
    // A kill that its workflow did not live to act on: the stop that was asked for reaches its descendants all the same.
    if (sight.kind === 'closed') await killLatch.latchIfUnlatched(taskId, sight.runId);
    const closed = await closeTasks(store, [taskId], ended);
    if (closed > 0)
      log.warn(
        { event: 'watchdog.closed', taskId, outcome: ended },
        'a task that others ended is closed in the ledger',
      );
    return sight;
  }
  // Heard, and the workers that would latch for it are not there.
  if (sight.kind === 'open' && sight.latchIsStuck) await killLatch.latchIfUnlatched(taskId, sight.runId);
  return sight;
}

const isOwn = (requireOwn: RequireOwnTemporal): Promise<boolean> =>
  requireOwn(performance.now()).then(
    () => true,
    () => false,
  );

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
