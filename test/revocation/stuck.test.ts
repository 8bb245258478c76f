import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { namespaces, queues, revocationWorkflowId, stopFanoutWorkflowId } from '../../src/contract/names.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { requires } from '../kit/requires.ts';
import { stopAgent } from '../store/ledger.ts';
import { type Rig, startRig } from './rig.ts';

requires('temporal')('a workflow of a stop that nobody can run', () => {
  let rig: Rig;
  const closers: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    rig = await startRig();
  });
  afterAll(async () => {
    for (const close of closers.splice(0)) await close();
  });

  const stopOne = async () => {
    const agent = await rig.agent();
    await rig.grant(await rig.task(agent));
    const { stopId, epoch } = await stopAgent(rig.ledger, agent);
    return { stopId, workflowId: revocationWorkflowId(agent.agentId, epoch, stopId) };
  };
  const stageOf = async (stopId: string) => (await stopProgress(rig.ledger.as('estop_control'), stopId))?.stage;

  it('is begun anew, and so is one that waits for such a child: the stops are proved', async () => {
    const [revocation, fanout, parent, old] = [await stopOne(), await stopOne(), await stopOne(), await stopOne()];
    const start = { taskQueue: queues.control, args: [] };
    await rig.control.workflow.start('unheardOf', { ...start, workflowId: revocation.workflowId });
    await rig.control.workflow.start('unheardOf', { ...start, workflowId: stopFanoutWorkflowId(fanout.stopId) });
    const wait = { taskQueue: 'waiting', args: [queues.control] };
    await rig.control.workflow.start('waitsForAChild', { ...wait, workflowId: parent.workflowId });
    // This child has gone on as a new run.
    await rig.control.workflow.start('waitsForAnOldChild', { ...wait, workflowId: old.workflowId });
    rig.work({ connectors: { target: { phases: ['revoke-credential'] } } });
    const connection = await NativeConnection.connect({ address: rig.temporal.address });
    const worker = await Worker.create({
      connection,
      namespace: namespaces.control,
      taskQueue: 'waiting',
      workflowsPath: fileURLToPath(new URL('own-workflows.ts', import.meta.url)),
      dataConverter: rig.dataConverter,
    });
    const running = worker.run();
    closers.push(async () => {
      worker.shutdown();
      await running;
      await connection.close();
    });
    const stages = () => Promise.all([revocation, fanout, parent, old].map(({ stopId }) => stageOf(stopId)));
    await expect.poll(stages, { timeout: 110_000, interval: 250 }).toEqual(Array(4).fill('proved'));
    const ended = rig.logged.filter(({ fields }) => fields['event'] === 'relay.stuck-workflow');
    expect(ended).toHaveLength(4);
  }, 150_000);
});
