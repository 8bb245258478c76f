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
import { errorCodeOf } from '../../src/core/errors.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { getTask } from '../../src/store/tasks.ts';
import { drainRound } from '../../src/workers/relay/drain.ts';
import { type RequireOwnTemporal, requireOwnTemporal } from '../../src/workers/relay/own-temporal.ts';
import { seenInOurs } from '../../src/workers/relay/seen-in-ours.ts';
import { walkRound } from '../../src/workers/relay/watchdog.ts';
import { requires } from '../kit/requires.ts';
import { newId, order, startTask, stop } from '../store/ledger.ts';
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
    const tasks = createTaskWorkflows(rig.agents, 'a test');
    const walk = async (requireOwn: RequireOwnTemporal): Promise<string | undefined> => {
      await walkRound({
        store,
        client: rig.agents,
        tasks,
        killLatch: { latchIfUnheard: async () => undefined, latchIfUnlatched: async () => undefined },
        requireOwn,
        log: rig.log,
      }).run();
      return (await getTask(rig.ledger.as('estop_control'), taskId))?.state;
    };
    const [byWalk, byHalt] = [
      requireOwnTemporal(rig.control, environment),
      requireOwnTemporal(rig.control, environment),
    ];
    await Promise.all([byWalk(), byHalt()]);
    await belongsTo('staging', namespaces.agents);
    expect(await walk(requireOwnTemporal(rig.control, environment))).toBe('registered');
    expect(await walk(byWalk)).toBe('registered');
    await expect(seenInOurs(tasks, byHalt).look(taskId)).rejects.toMatchObject({ code: 'config-invalid' });
    await belongsTo(environment, namespaces.agents);
    expect(await seenInOurs(tasks, byHalt).look(taskId)).toEqual({ kind: 'absent' });
    expect(await walk(byWalk)).toBe('closed');
  });

  it('is no intake that was read to its end, also where the address led to ours a moment ago', async () => {
    const requireOwn = requireOwnTemporal(rig.control, environment);
    await requireOwn();
    await belongsTo('staging', namespaces.control);
    const [store, control, latch] = [rig.ledger.as('estop_revoker'), rig.control, async () => undefined];
    await rig.ledger.sql('DELETE FROM estop.intake_drains');
    await registerGateway(rig.ledger.as('estop_gateway'), newId('gw'), '');
    await rig.ledger.sql('UPDATE estop.gateways SET drain_wanted_at = clock_timestamp()');
    const round = drainRound({ store, client: control, requireOwn, environment, log: rig.log, latch });
    let refusal: unknown;
    const drain = () => round.run().catch((thrown: unknown) => (refusal = errorCodeOf(thrown)));
    await until(async () => (await drain(), refusal !== undefined || (await drains()).length > 0));
    expect([refusal, await drains()]).toEqual(['config-invalid', []]);
    await belongsTo(environment, namespaces.control);
    await until(async () => (await drain(), (await drains()).length > 0));
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
