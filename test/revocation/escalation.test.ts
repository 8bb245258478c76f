import { beforeAll, expect, it } from 'vitest';
import { searchAttributes } from '../../src/contract/names.ts';
import { requires } from '../kit/requires.ts';
import { stopAgent } from '../store/ledger.ts';
import { type Rig, startRig } from './rig.ts';

const grants = 15;

requires('temporal')('a system that is dead for a minute', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({ connectors: { target: { phases: ['revoke-credential'] } } });
  });

  it('is told to people, of each of its lanes and by one activity for all of them', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const keys = await Promise.all(Array.from({ length: grants }, () => rig.grant(task)));
    for (const key of keys) rig.target.behave(key, { cut: 'down' });
    const { stopId } = await stopAgent(rig.ledger, agent);
    const labelled = async (): Promise<number> => {
      const rows = await rig.ledger.sql(
        `SELECT 1 FROM estop.obligations WHERE cause_id = $1 AND state = 'open' AND needs_human LIKE 'not proved dead after 60 s%'`,
        [stopId],
      );
      return rows.length;
    };
    await expect.poll(labelled, { timeout: 90_000, interval: 250 }).toBe(grants);
    const query = `WorkflowType = 'revocationLanes' AND ${searchAttributes.stop} = '${stopId}'`;
    let asked = 0;
    for await (const { workflowId } of rig.control.workflow.list({ query })) {
      const { events } = await rig.control.workflow.getHandle(workflowId).fetchHistory();
      asked += (events ?? []).filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'escalateLanes',
      ).length;
    }
    expect(asked).toBe(1);
  }, 120_000);
});
