import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { ControlActivities } from '../contract/activities.ts';
import type { Log } from '../contract/identity.ts';
import { readStopUnderWay, type StopUnderWay } from '../store/halt.ts';
import type { Store } from '../store/pool.ts';
import { closeTasks, coveredOpenTasks, type OpenTask } from '../store/tasks.ts';
import type { TaskWorkflows } from './task-workflows.ts';
import { inWindow } from './window.ts';

export interface HaltDeps {
  readonly store: Store;
  readonly tasks: TaskWorkflows;
  readonly log: Log;
}

const width = 64;
/** More tasks than this are done in further passes. */
const passSize = 20_000;
const closeAtOnce = 256;
const graceLookMs = 200;
const beatEveryMs = 250;

/**
 * One pass over what a stop covers: ask it to wind down for as long as there is grace, then cut, look, and close in the ledger what
 * was SEEN closed. Says how many are left. rule: halted-by-describe
 */
export function createHaltActivities(deps: HaltDeps): Pick<ControlActivities, 'haltTasks'> {
  return {
    haltTasks: async ({ stopId }) => {
      const stop = await readStopUnderWay(deps.store, stopId);
      if (stop === undefined) return { openTasks: 0 };
      await windDown(deps, stop);
      await cut(deps, stop);
      const left = await coveredOpenTasks(deps.store, stopId, passSize);
      return { openTasks: left.length };
    },
  };
}

/** The grace counts from the latch, by the store's clock: whoever comes late finds less of it, never more. */
async function windDown({ store, tasks, log }: HaltDeps, stop: StopUnderWay): Promise<void> {
  const told = new Set<string>();
  const beatOrLeave = paced();
  const endAt = performance.now() + stop.graceLeftMs;
  while (performance.now() < endAt) {
    const open = await coveredOpenTasks(store, stop.stopId, passSize);
    if (open.length === 0) return;
    const fresh = open.filter(({ taskId }) => !told.has(taskId));
    const tell = async ({ taskId }: OpenTask): Promise<void> => {
      told.add(taskId);
      beatOrLeave();
      await tasks.windDown(taskId, { stopId: stop.stopId, reason: reasonOf(stop), actor: stop.actor });
    };
    await inWindow(fresh, width, tell, ({ taskId }, thrown) =>
      log.debug({ event: 'halt.tell', taskId, cause: String(thrown) }, 'a task could not be told'),
    );
    beatOrLeave();
    await sleep(Math.max(0, Math.min(graceLookMs, endAt - performance.now())));
  }
}

async function cut({ store, tasks, log }: HaltDeps, stop: StopUnderWay): Promise<void> {
  // Oldest first: they have the agent workers' slots, and beat in them for as long as they are open, each beat a write to the server
  // that all this waits for. Their slots are kept for a while (cut-off.ts), so that they do not fall to those who come next.
  const open = await coveredOpenTasks(store, stop.stopId, passSize);
  const beatOrLeave = paced();
  const seenClosed: string[] = [];
  const neverStarted: string[] = [];
  const flush = async (atLeast: number): Promise<void> => {
    if (seenClosed.length >= atLeast) await closeTasks(store, seenClosed.splice(0), 'stopped');
    if (neverStarted.length >= atLeast) await closeTasks(store, neverStarted.splice(0), 'never-started');
  };
  const end = async ({ taskId, state }: OpenTask): Promise<void> => {
    beatOrLeave();
    await tasks.terminate(taskId, reasonOf(stop));
    const sight = await tasks.look(taskId);
    // Registered and unknown to Temporal: its start never happened, and once its row is closed `begin_task` refuses a late one.
    if (sight.kind === 'absent') (state === 'registered' ? neverStarted : seenClosed).push(taskId);
    else if (sight.kind === 'closed') seenClosed.push(taskId);
    await flush(closeAtOnce);
  };
  await inWindow(open, width, end, ({ taskId }, thrown) => {
    leaveIfAsked(thrown);
    log.warn(
      { event: 'halt.failed', taskId, stopId: stop.stopId, cause: String(thrown) },
      'a task could not be ended yet',
    );
  });
  await flush(1);
}

const reasonOf = (stop: StopUnderWay): string =>
  `estop ${stop.stopId} of ${stop.scopeKey} by ${stop.actor}${stop.reason === '' ? '' : `: ${stop.reason}`}`;

/** Tells Temporal now and then that this attempt lives, and ends it at once if it is no longer wanted. */
function paced(): () => void {
  const context = Context.current();
  let beatAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
    const now = performance.now();
    if (now - beatAt < beatEveryMs) return;
    beatAt = now;
    context.heartbeat();
  };
}

function leaveIfAsked(thrown: unknown): void {
  if (Context.current().cancellationSignal.aborted) throw thrown;
}
