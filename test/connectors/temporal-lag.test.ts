import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { temporal } from '../../src/connectors/temporal/index.ts';
import { startTemporal, type TemporalServer } from '../../src/runtime/local/temporal-server.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { type Bench, benchOf, healthyMs, within } from './bench-of.ts';
import { runs, scheduleOf, startTemporalRig, type TemporalRig } from './temporal.rig.ts';

requires('temporal')('a Temporal server whose list of workflows shows nothing', () => {
  let server: TemporalServer;
  let rig: TemporalRig;
  let bench: Bench;
  beforeAll(async () => {
    server = await startTemporal({
      stateFolder: tempFolder(),
      database: 'memory',
      ui: false,
      binary: inject('temporalBinary'),
      // Nobody works off what is to be listed: a lag without end.
      dynamicConfig: { 'history.visibilityProcessorSchedulerWorkerCount': 0 },
    });
    rig = await startTemporalRig(server.address);
    bench = benchOf('temporal', rig);
  });
  afterAll(async () => {
    await bench.connector.close();
    await rig.stop();
    await server.stop();
  });

  it('is asked for the schedule’s own record too, and its empty list proves nothing', async () => {
    const { grant, secret } = await bench.issue(bench.plan());
    await rig.client.schedule.getHandle(String(secret['scheduleId'])).trigger();
    const started = async () =>
      (await rig.client.schedule.getHandle(scheduleOf(grant)).describe()).info.recentActions.at(-1)?.action.workflow
        .workflowId;
    await expect.poll(started, { timeout: 20_000 }).toBeDefined();
    const workflowId = String(await started());
    expect(await runs(rig.client, workflowId)).toBe(true);
    expect((await rig.client.workflow.count(`WorkflowId = "${workflowId}"`)).count).toBe(0);

    for (const phase of temporal.phases) {
      expect((await bench.connector.cut(phase, grant, within(healthyMs))).kind).toMatch(/revoked|already-gone/);
    }
    expect(await runs(rig.client, workflowId)).toBe(false);
    expect(await bench.connector.probe(grant, within(healthyMs))).toMatchObject({
      kind: 'inconclusive',
      why: expect.stringMatching(/list of workflows is behind/),
    });
    expect(await bench.connector.control(grant, within(healthyMs))).toMatchObject({
      kind: 'not-allowed',
      why: expect.stringMatching(/lags/),
    });
  });
});
