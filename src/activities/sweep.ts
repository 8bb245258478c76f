import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { ControlActivities } from '../contract/activities.ts';
import type { Log } from '../contract/identity.ts';
import { searchAttributes, taskIdOfWorkflow, taskWorkflowTypes } from '../contract/names.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import { listLabelledAgents, readStopUnderWay, type StopUnderWay, straysByLedger } from '../store/halt.ts';
import type { Store } from '../store/pool.ts';
import { markSweep } from '../store/stop-progress.ts';
import { listWorkflows } from './list-workflows.ts';
import type { TaskWorkflows } from './task-workflows.ts';
import { inWindow } from './window.ts';

interface SweepDeps {
  readonly store: Store;
  readonly client: Client;
  readonly tasks: TaskWorkflows;
  readonly log: Log;
}

const pageSize = 500;
const width = 16;

/**
 * Looks through Temporal's own list for running agent tasks that a stop covers and the ledger does not hold as open: nobody
 * registered them, or their row was closed too early. Touches only what is older than the stop. A sweep that found something does
 * not count; the list lags, so two clean ones are needed. Not protected: a task that nobody registered and that goes on as a new
 * run after the stop looks younger than it; `begin_task` refuses it, so it has no token and no grant. rule: stray-sweep
 */
export function createSweepActivities(deps: SweepDeps): Pick<ControlActivities, 'sweepStrays'> {
  return {
    sweepStrays: async ({ stopId, after }) => {
      const stop = await readStopUnderWay(deps.store, stopId);
      // Counted by an attempt whose answer was lost: the next one is due only after the gap.
      if (stop === undefined || stop.sweepsDone > after) return { found: 0 };
      let found = 0;
      const labelled = await listLabelledAgents(deps.store, stop.scopeKey, stop.epoch);
      for (const query of queriesFor(stop, labelled)) found += await sweep(deps, stop, query);
      if (found === 0) await markSweep(deps.store, stopId, after, labelled);
      return { found };
    },
  };
}

/**
 * Values in these queries have passed the grammar of ids and names, which has no quote in it. Descendants under other agents are
 * registered, or they are not covered by anything we could know. Tools, connectors and models are no property of a whole task.
 */
function queriesFor(stop: StopUnderWay, labelled: readonly string[]): readonly string[] {
  const running = `WorkflowType IN ${taskWorkflowTypes} AND ExecutionStatus = 'Running'`;
  const scope = parseScopeKey(stop.scopeKey);
  switch (scope?.kind) {
    case 'fleet':
      return [running];
    case 'agent':
      return [`${running} AND ${searchAttributes.agent} = '${scope.value}'`];
    case 'task':
      return [
        `${running} AND (${searchAttributes.task} = '${scope.value}' OR ${searchAttributes.rootTask} = '${scope.value}')`,
      ];
    case 'label':
      return labelled.map((agentId) => `${running} AND ${searchAttributes.agent} = '${agentId}'`);
    case 'tool':
    case 'connector':
    case 'model':
    case undefined:
      return [];
  }
}

async function sweep(deps: SweepDeps, stop: StopUnderWay, query: string): Promise<number> {
  let found = 0;
  const page: { readonly taskId: string; readonly startedAt: Date }[] = [];
  const judge = async (): Promise<void> => {
    Context.current().heartbeat();
    const strays = await straysAmong(deps, stop, page.splice(0));
    found += strays.length;
    const end = async (taskId: string): Promise<void> => {
      deps.log.warn(
        { event: 'sweep.stray', taskId, stopId: stop.stopId },
        'a running task that nobody had in hand was found, and is ended',
      );
      await deps.tasks.terminate(taskId, `estop ${stop.stopId}: found running after the stop`);
    };
    await inWindow(strays, width, end, () => undefined); // it counts as found, so the next sweep meets it again
  };
  for await (const { workflowId, startedAt } of listWorkflows(deps.client, query, pageSize)) {
    const taskId = taskIdOfWorkflow(workflowId);
    if (taskId !== undefined) page.push({ taskId, startedAt });
    if (page.length >= pageSize) await judge();
  }
  await judge();
  return found;
}

async function straysAmong(
  { store, tasks }: SweepDeps,
  stop: StopUnderWay,
  page: readonly { readonly taskId: string; readonly startedAt: Date }[],
): Promise<readonly string[]> {
  const known = await straysByLedger(
    store,
    stop.stopId,
    page.map(({ taskId }) => taskId),
  );
  const latchedAt = Date.parse(stop.latchedAt);
  const candidates = page.filter(({ taskId, startedAt }) => known.get(taskId) ?? startedAt.getTime() < latchedAt);
  const running: string[] = [];
  // The list lags behind: what it calls running may have been ended by the halt seconds ago.
  await inWindow(
    candidates,
    width,
    async ({ taskId }) => void ((await tasks.look(taskId)).kind === 'open' && running.push(taskId)),
    () => undefined,
  );
  return running;
}
