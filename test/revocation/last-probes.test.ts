import { beforeAll, expect, it } from 'vitest';
import { searchAttributes, stopFanoutWorkflowId } from '../../src/contract/names.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { requires } from '../kit/requires.ts';
import { stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

const grants = 25;

requires('temporal')('the last probes of a stop of many grants', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({ connectors: { target: { phases: ['revoke-credential'], settleMs: 4_000 } } });
  });

  it('go together, hold up none for one that hangs, and cut again the one that lives and no other', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const keys: string[] = [];
    for (let index = 0; index < grants; index += 1) keys.push(await rig.grant(task));
    const [zombie = '', hanging = ''] = keys;
    const { stopId } = await stopAgent(rig.ledger, agent);
    const lanesWhere = async (what: string): Promise<readonly unknown[]> => {
      const rows = await rig.ledger.sql(
        `SELECT grant_id FROM estop.obligations WHERE cause_id = $1 AND ${what} ORDER BY grant_id`,
        [stopId],
      );
      return rows.map((row) => row['grant_id']);
    };
    await until(async () => (await lanesWhere(`state = 'proved'`)).length === grants);
    rig.target.revive(zombie);
    rig.target.behave(hanging, { cut: 'healthy', mute: 'use' });

    await until(async () => (await lanesWhere('round = 1 AND final_probed_at IS NOT NULL')).length === 1);
    await until(async () => (await lanesWhere('final_probed_at IS NULL')).length === 1);
    expect(await lanesWhere('final_probed_at IS NULL')).toEqual([hanging]);
    expect(await lanesWhere('round > 0')).toEqual([zombie]);
    expect(await lanesWhere('final_at IS NOT NULL')).toEqual([]);

    rig.target.behave(hanging, { cut: 'healthy' });
    const proved = await until(async () => {
      const seen = await stopProgress(rig.ledger.as('estop_control'), stopId);
      return seen?.stage === 'proved' && seen;
    });
    expect(proved).toMatchObject({ evidence: 'credential-probed', revocation: { total: grants, final: grants } });
    // What failed on the way is over with the probe that passed.
    expect(await lanesWhere('last_error IS NOT NULL OR next_try_at IS NOT NULL')).toEqual([]);
    for (const key of keys) expect(rig.target.count('cut revoke-credential', key)).toBe(key === zombie ? 2 : 1);

    const { events } = await rig.control.workflow.getHandle(stopFanoutWorkflowId(stopId)).fetchHistory();
    const asked = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
    const crowds = asked.filter((name) => name === 'finalProbes').length;
    expect(crowds).toBeGreaterThan(0);
    // Alone go the one that hangs, and a few of which nobody knew whether the other's second cut came before them.
    expect(asked.filter((name) => name === 'finalProbe').length).toBeLessThan(grants);
  });

  it('have cut again what lives while another is watched until its end', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [zombie, watched] = [await rig.grant(task), await rig.grant(task)];
    rig.target.behave(watched, { cut: 'healthy', residualMs: 3_600_000 });
    const { stopId } = await stopAgent(rig.ledger, agent);
    const laneOf = (grantId: string) => getObligation(rig.ledger.as('estop_control'), `${stopId}/${grantId}`);
    await until(async () => (await laneOf(watched))?.state === 'residual');
    await until(async () => (await laneOf(zombie))?.state === 'proved');
    const query = `WorkflowType = 'revocationLanes' AND ${searchAttributes.stop} = '${stopId}'`;
    const child = await until(async () => {
      for await (const { workflowId } of rig.control.workflow.list({ query })) return workflowId;
      return undefined;
    });
    // Whatever somebody else says under that name holds up nothing.
    for (const junk of [undefined, 7, [7, 'nobody'], 'text'])
      await rig.control.workflow.getHandle(child).signal('reopened', junk);
    rig.target.revive(zombie);
    await until(async () => (await laneOf(zombie))?.round === 1);
    // Its revocation looks at the ledger every now and then.
    await expect.poll(async () => (await laneOf(zombie))?.state, { timeout: 40_000, interval: 100 }).toBe('proved');
    expect(rig.target.count('cut revoke-credential', zombie)).toBe(2);
    expect(await laneOf(watched)).toMatchObject({ state: 'residual', round: 0 });
  }, 90_000);
});
