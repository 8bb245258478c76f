import { beforeAll, expect, it } from 'vitest';
import { createHaltActivities } from '../../src/activities/halt.ts';
import { createSweepActivities } from '../../src/activities/sweep.ts';
import { createTaskWorkflows, type TaskWorkflows } from '../../src/activities/task-workflows.ts';
import { searchAttributes } from '../../src/contract/names.ts';
import { noteStopSeen } from '../../src/store/fence.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { getTask } from '../../src/store/tasks.ts';
import { inActivity } from '../agent-task/in-activity.ts';
import { requires } from '../kit/requires.ts';
import { newId, stop, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, startTaskWorkflow, until } from './rig.ts';

requires('temporal')('a stop, from the latch to proof', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });

  it('believes no end of a task that it has not seen: a terminate that was answered and did nothing leaves the task open', async () => {
    const agent = await rig.agent();
    const { taskId } = await rig.task(agent);
    const { stopId } = await stopAgent(rig.ledger, agent);
    const store = rig.ledger.as('estop_revoker');
    const real = createTaskWorkflows(rig.agents, 'a test');
    const halt = (tasks: TaskWorkflows) =>
      inActivity(() => createHaltActivities({ store, tasks, log: rig.log }).haltTasks({ stopId, graceMs: 0 }));
    expect(await halt({ ...real, terminate: async () => undefined })).toEqual({ openTasks: 1 });
    expect((await getTask(store, taskId))?.state).toBe('running');
    expect(await halt(real)).toEqual({ openTasks: 0 });
    expect((await getTask(store, taskId))?.state).toBe('closed');
  });

  it('does not count a sweep that met a stray', async () => {
    const { agentId } = await rig.agent();
    await startTaskWorkflow(rig.agents, { taskId: newId('task'), agentId, rootId: '' });
    await until(async () => (await rig.agents.workflow.count(`${searchAttributes.agent} = '${agentId}'`)).count === 1);
    const { stopId } = await stop(rig.ledger, `agent:${agentId}`);
    const store = rig.ledger.as('estop_revoker');
    await noteStopSeen(store, stopId);
    const tasks = createTaskWorkflows(rig.agents, 'a test');
    const { sweepStrays } = createSweepActivities({ store, client: rig.agents, tasks, log: rig.log });
    const sweep = async () => [
      (await inActivity(() => sweepStrays({ stopId, after: 0 }))).found,
      (await stopProgress(store, stopId))?.sweepsDone,
    ];
    expect(await sweep()).toEqual([1, 0]);
    expect(await sweep()).toEqual([0, 1]);
  });

  it('ends the task, cuts its grant, and is proved with the old credential', async () => {
    rig.work();
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const key = await rig.grant(task);
    const { stopId } = await stopAgent(rig.ledger, agent);
    const progress = await until(async () => {
      const seen = await stopProgress(rig.ledger.as('estop_control'), stopId);
      return seen?.stage === 'proved' && seen;
    });
    expect(progress.evidence).toBe('credential-probed');
    expect((await getTask(rig.ledger.as('estop_control'), task.taskId))?.state).toBe('closed');
    expect(rig.target.count('cut fence', key)).toBe(1);
    expect(rig.target.count('cut revoke-credential', key)).toBe(1);
    expect(rig.target.count('use now', key)).toBe(2);

    // By the id of the stop alone, whoever looks into Temporal finds all that worked it off, and which step was taken where.
    const types = new Map<string, string>();
    await until(async () => {
      for await (const { type, workflowId } of rig.control.workflow.list({
        query: `${searchAttributes.stop} = '${stopId}'`,
      }))
        types.set(type, workflowId);
      return types.size === 3;
    });
    expect([...types.keys()].toSorted()).toEqual(['revocation', 'revocationLanes', 'stopFanout']);
    const [codec] = rig.dataConverter.payloadCodecs ?? [];
    const summariesOf = async (type: string): Promise<readonly unknown[]> => {
      const { events } = await rig.control.workflow.getHandle(types.get(type) ?? '').fetchHistory();
      const sealed = (events ?? []).flatMap(({ userMetadata }) => userMetadata?.summary ?? []);
      const opened = (await codec?.decode(sealed)) ?? [];
      return opened.map(({ data }) => JSON.parse(Buffer.from(data ?? []).toString()) as unknown);
    };
    const at = `target ${rig.target.url}`;
    expect(await summariesOf('revocationLanes')).toEqual([`${at}: fence`, `${at}: revoke-credential`, `${at}: probe`]);
    expect(await summariesOf('stopFanout')).toEqual([`${at}: last probe`]);
  });
});
