import { beforeAll, describe, expect, it } from 'vitest';
import { stopFanoutWorkflowId } from '../../src/contract/names.ts';
import { ledgerRound } from '../../src/workers/relay/ledger-round.ts';
import { requireOwnTemporal } from '../../src/workers/relay/own-temporal.ts';
import { workflowRound } from '../../src/workers/relay/workflow-round.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { type Ledger, makeLedger, newId } from '../store/ledger.ts';
import { environment, type Rig, recordingLog, startRig, until } from './rig.ts';

const latch = async (ledger: Ledger, scopeKey: string): Promise<string> => {
  const stopId = newId('stop');
  await ledger.sql(`SELECT estop.latch($1, $2, 0::smallint, 0, '', 'olga', 'api')`, [stopId, scopeKey]);
  return stopId;
};
/** Of its fan-out, which hands it on to its activities. Undefined: not opened yet. */
const priorityOf = async (rig: Rig, stopId: string): Promise<number | undefined> => {
  const seen = await rig.control.workflow
    .getHandle(stopFanoutWorkflowId(stopId))
    .describe()
    .catch(() => undefined);
  return seen?.raw.workflowExecutionInfo?.priority?.priorityKey ?? undefined;
};
const latchUnknownTasks = async (ledger: Ledger, count: number): Promise<void> => {
  for (let n = 0; n < count; n += 1) await latch(ledger, `task:${newId('task')}`);
};
const fencedTasks = async (ledger: Ledger): Promise<number> =>
  Number(
    (
      await ledger.sql(`SELECT count(*) AS n FROM estop.stops s JOIN estop.stop_progress p USING (stop_id)
        WHERE s.scope_key LIKE 'task:%' AND p.fenced_at IS NOT NULL`)
    )[0]?.['n'],
  );

requires('temporal')('a fleet stop behind hundreds of task stops', () => {
  const crowd = 300;
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });

  it('is fenced before any of them, and halted before most of them are', async () => {
    await rig.task(await rig.agent());
    const narrowId = await latch(rig.ledger, `task:${newId('task')}`);
    await latchUnknownTasks(rig.ledger, crowd - 1);
    const stopId = await latch(rig.ledger, 'fleet');
    rig.work();
    const [fleet] = await until(async () => {
      const rows = await rig.ledger.sql(
        'SELECT fenced_at, halted_at FROM estop.stop_progress WHERE stop_id = $1 AND halted_at IS NOT NULL',
        [stopId],
      );
      return rows.length > 0 && rows;
    });
    const [tasks] = await rig.ledger.sql(
      `SELECT count(*) FILTER (WHERE p.halted_at < $1)::integer AS halted, count(*) FILTER (WHERE p.fenced_at < $2)::integer AS fenced
       FROM estop.stops s JOIN estop.stop_progress p USING (stop_id) WHERE s.scope_key LIKE 'task:%'`,
      [fleet?.['halted_at'], fleet?.['fenced_at']],
    );
    expect(tasks?.['fenced']).toBe(0);
    expect(tasks?.['halted']).toBeLessThan(crowd / 2);
    await until(async () => (await fencedTasks(rig.ledger)) === crowd);
    expect(await until(() => priorityOf(rig, stopId))).toBe(1);
    expect(await until(() => priorityOf(rig, narrowId))).toBe(3);
  }, 120_000);
});

describe('the round of the relay that fences', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });

  it('takes task stops in portions, so that a wide stop that is latched meanwhile waits for one portion', async () => {
    const round = ledgerRound(ledger.as('estop_revoker'), recordingLog().log);
    await latchUnknownTasks(ledger, 150);
    await round.run();
    const before = await fencedTasks(ledger);
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(75);
    const stopId = await latch(ledger, 'fleet');
    await round.run();
    const fenced = await ledger.sql('SELECT fenced_at FROM estop.stop_progress WHERE stop_id = $1', [stopId]);
    expect(fenced).toEqual([{ fenced_at: expect.any(String) }]);
    expect(await fencedTasks(ledger)).toBeLessThan(150);
    while ((await fencedTasks(ledger)) < 150) await round.run();
  });
});

requires('temporal')('the round of the relay that opens fan-outs', () => {
  it('carries some of the stops that have nothing to end at one time, and all that have', async () => {
    const rig = await startRig();
    const store = rig.ledger.as('estop_revoker');
    const workflows = workflowRound(store, rig.control, requireOwnTemporal(rig.control, environment), rig.log);
    expect(await workflows.run()).toBe(1_000); // nothing to open: it asks seldom
    await latchUnknownTasks(rig.ledger, 60);
    const { taskId } = await rig.task(await rig.agent());
    const busyId = await latch(rig.ledger, `task:${taskId}`);
    const ledger = ledgerRound(store, rig.log);
    while ((await fencedTasks(rig.ledger)) < 61) await ledger.run();
    for (let round = 0; round < 3; round += 1) expect(await workflows.run()).toBe(150);
    const stops = (await rig.ledger.sql('SELECT stop_id FROM estop.stops')).map((row) => String(row['stop_id']));
    const opened = await Promise.all(stops.map((stopId) => priorityOf(rig, stopId)));
    expect(opened.filter((priority) => priority !== undefined)).toHaveLength(21);
    expect(await priorityOf(rig, busyId)).toBe(3);
  });
});
