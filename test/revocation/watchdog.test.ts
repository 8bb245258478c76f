import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { createTaskWorkflows } from '../../src/activities/task-workflows.ts';
import { agentTaskWorkflowId } from '../../src/contract/names.ts';
import { listOpenAmong, listOpenTasks } from '../../src/store/halt.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { beginTask, closeTasks, getTask } from '../../src/store/tasks.ts';
import { requireOwnTemporal } from '../../src/workers/relay/own-temporal.ts';
import { closedRound, walkRound } from '../../src/workers/relay/watchdog.ts';
import { requires } from '../kit/requires.ts';
import { sealingClient } from '../kit/sealing-client.ts';
import { fence, newId, startChild, stopAgent } from '../store/ledger.ts';
import { environment, type Rig, startRig, startTaskWorkflow, until } from './rig.ts';

requires('temporal')('the watchdog', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });
  const handleOf = (taskId: string) => rig.agents.workflow.getHandle(agentTaskWorkflowId(taskId));

  it('leaves the tasks that a stop covers to its halt, and takes back those that come after its reset', async () => {
    const agent = await rig.agent();
    const bystander = await rig.task(await rig.agent());
    const before = await rig.task(agent);
    const store = rig.ledger.as('estop_revoker');
    const watched = async (): Promise<readonly string[]> =>
      (await listOpenTasks(store, '', 1_000, 0)).map(({ taskId }) => taskId);
    expect(await watched()).toEqual(expect.arrayContaining([before.taskId, bystander.taskId]));

    const { stopId } = await stopAgent(rig.ledger, agent);
    expect(await watched()).not.toContain(before.taskId);
    expect(await listOpenAmong(store, [before.taskId, bystander.taskId])).toEqual([bystander.taskId]);

    await fence(rig.ledger, stopId);
    await resetStop(rig.ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'a test' });
    const after = await rig.task(agent);
    expect(await watched()).toContain(after.taskId);
    expect(await watched()).not.toContain(before.taskId);
    await closeTasks(store, [before.taskId, after.taskId, bystander.taskId], 'done');
  });

  it('sees a task that others ended although what ended beside it carries what nobody here can read', async () => {
    const task = await rig.task(await rig.agent());
    const beside = { taskId: newId('task'), agentId: task.agentId, rootId: '' };
    await startTaskWorkflow(sealingClient(rig.agents), beside, 'nobody', { note: 'sealed', and: 'junk' });
    const round = closedRound({
      store: rig.ledger.as('estop_revoker'),
      client: rig.agents,
      tasks: createTaskWorkflows(rig.agents, 'a test'),
      killLatch: { latchIfUnheard: async () => undefined, latchIfUnlatched: async () => undefined },
      requireOwn: requireOwnTemporal(rig.control, environment),
      log: rig.log,
    });
    for (const { taskId } of [beside, task]) await handleOf(taskId).terminate('by hand');
    const ended = `WorkflowType = 'agentTask' AND ExecutionStatus = 'Terminated'`;
    await until(async () => (await rig.agents.workflow.count(ended)).count >= 2);
    await round.run();
    expect((await getTask(rig.ledger.as('estop_control'), task.taskId))?.state).toBe('closed');
  });

  it('reads the history of a stuck task again only when something has been added to it', async () => {
    const task = await rig.task(await rig.agent());
    const read: string[] = [];
    const round = walkRound({
      store: rig.ledger.as('estop_revoker'),
      client: rig.agents,
      tasks: createTaskWorkflows(rig.agents, 'a test'),
      killLatch: {
        latchIfUnheard: async (taskId) => void read.push(taskId),
        latchIfUnlatched: async () => undefined,
      },
      requireOwn: requireOwnTemporal(rig.control, environment),
      log: rig.log,
    });
    // A task of which no worker knows: it counts as stuck after two seconds.
    await sleep(3_500);
    await round.run();
    expect(read).toEqual([]);
    await handleOf(task.taskId).signal('hold');
    for (let walk = 0; walk < 3; walk += 1) await round.run();
    expect(read).toEqual([task.taskId]);
    await handleOf(task.taskId).signal('kill');
    for (let walk = 0; walk < 3; walk += 1) await round.run();
    expect(read).toEqual([task.taskId, task.taskId]);
    await closeTasks(rig.ledger.as('estop_revoker'), [task.taskId], 'done');
  });

  it('latches for a task that was killed and then terminated before it could act, so that its children end too', async () => {
    const childAgent = await rig.agent();
    const parentAgent = await rig.agent({ mayStart: [childAgent.agentId] });
    const parent = await rig.task(parentAgent);
    const child = await startChild(rig.ledger, parent, parentAgent, childAgent);
    await startTaskWorkflow(rig.agents, child);
    await beginTask(rig.ledger.as('estop_trusted'), child.taskId);
    await handleOf(parent.taskId).signal('kill');
    await handleOf(parent.taskId).terminate('by hand');

    const worker = rig.work();
    const stopId = await until(async () => {
      const [row] = await rig.ledger.sql('SELECT stop_id FROM estop.stops WHERE scope_key = $1', [
        `task:${parent.taskId}`,
      ]);
      return row === undefined ? undefined : String(row['stop_id']);
    });
    const control = rig.ledger.as('estop_control');
    await until(async () => (await stopProgress(control, stopId))?.haltedAt !== undefined);
    expect((await handleOf(child.taskId).describe()).status.name).toBe('TERMINATED');
    expect((await getTask(control, parent.taskId))?.state).toBe('closed');
    await worker.close();
  }, 60_000);

  it('latches for nobody where a task was terminated without a kill', async () => {
    const task = await rig.task(await rig.agent());
    await handleOf(task.taskId).terminate('by hand');
    const worker = rig.work();
    await until(async () => (await getTask(rig.ledger.as('estop_control'), task.taskId))?.state === 'closed');
    expect(await rig.ledger.sql('SELECT 1 FROM estop.stops WHERE scope_key = $1', [`task:${task.taskId}`])).toEqual([]);
    await worker.close();
  }, 60_000);
});
