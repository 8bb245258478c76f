import { Client } from '@temporalio/client';
import { beforeAll, expect, it } from 'vitest';
import { createTaskWorkflows } from '../../src/activities/task-workflows.ts';
import {
  namespaces,
  queues,
  signals,
  stopFanoutWorkflowId,
  stopIntakeWorkflowId,
  workflowTypes,
} from '../../src/contract/names.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { getTask } from '../../src/store/tasks.ts';
import { requireOwnTemporal } from '../../src/workers/relay/own-temporal.ts';
import { walkRound } from '../../src/workers/relay/watchdog.ts';
import { requires } from '../kit/requires.ts';
import { order, startTask, stop } from '../store/ledger.ts';
import { environment, type Rig, startRig, until } from './rig.ts';

requires('temporal')('a Temporal of another environment', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });
  const belongsTo = async (owner: string, ...which: readonly string[]): Promise<void> => {
    for (const namespace of which) {
      const updateInfo = { data: { 'estop-environment': owner } };
      await rig.control.workflowService.updateNamespace({ namespace, updateInfo });
    }
  };
  const both = Object.values(namespaces);
  const isOpened = (stopId: string): Promise<boolean> =>
    rig.control.workflow
      .getHandle(stopFanoutWorkflowId(stopId))
      .describe()
      .then(
        () => true,
        () => false,
      );
  const inTrouble = (): readonly unknown[] =>
    rig.logged.filter(({ fields }) => fields['event'] === 'relay.trouble').map(({ fields }) => fields['round']);
  const drains = () => rig.ledger.sql('SELECT 1 FROM estop.intake_drains');

  it('gets no work of ours and is taken for no evidence, though what was ordered through it is latched', async () => {
    await belongsTo('staging', ...both);
    const placed = order('agent:placed');
    await rig.control.workflow.signalWithStart(workflowTypes.stopIntake, {
      workflowId: stopIntakeWorkflowId(environment),
      taskQueue: queues.control,
      args: [],
      signal: signals.order,
      signalArgs: [placed],
    });
    const { stopId } = await stop(rig.ledger, 'agent:somebody');
    const worker = rig.work();
    await until(async () => ['workflows', 'drain'].every((round) => inTrouble().includes(round)));
    expect(await rig.ledger.sql('SELECT 1 FROM estop.stops WHERE stop_id = $1', [placed.stopId])).toHaveLength(1);
    expect([await isOpened(stopId), await drains()]).toEqual([false, []]);

    await belongsTo(environment, ...both);
    await until(async () => (await isOpened(stopId)) && (await drains()).length === 1);
    await worker.close();
  });

  it('closes no task by not knowing it', async () => {
    const store = rig.ledger.as('estop_revoker');
    const { taskId } = await startTask(rig.ledger, await rig.agent());
    await rig.ledger.sql(
      "UPDATE estop.tasks SET registered_at = clock_timestamp() - interval '1 h' WHERE task_id = $1",
      [taskId],
    );
    const walk = async (): Promise<string | undefined> => {
      await walkRound({
        store,
        client: rig.agents,
        tasks: createTaskWorkflows(rig.agents, 'a test'),
        killLatch: { latchIfUnheard: async () => undefined, latchIfUnlatched: async () => undefined },
        requireOwn: requireOwnTemporal(rig.control, environment),
        log: rig.log,
      }).run();
      return (await getTask(rig.ledger.as('estop_control'), taskId))?.state;
    };
    await belongsTo('staging', namespaces.agents);
    expect(await walk()).toBe('registered');
    await belongsTo(environment, namespaces.agents);
    expect(await walk()).toBe('closed');
  });

  it('is told from one that is away', async () => {
    await belongsTo('staging', namespaces.control);
    await expect(requireOwnTemporal(rig.control, environment)()).rejects.toMatchObject({ code: 'config-invalid' });
    await belongsTo(environment, namespaces.control);
    const away = new Client({ connection: lazyConnection({ address: '127.0.0.1:1' }) });
    await expect(requireOwnTemporal(away, environment)()).rejects.not.toHaveProperty('code', 'config-invalid');
    await away.connection.close();
  });
});
