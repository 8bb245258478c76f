import { beforeAll, expect, it } from 'vitest';
import { drillWorkflowId, queues, workflowTypes } from '../../src/contract/names.ts';
import { askDueDrill, dueDrills } from '../../src/store/drill-schedule.ts';
import { askDrill, type DrillRecord, finishDrill, newestDrills } from '../../src/store/drills.ts';
import { ledgerFigures } from '../../src/store/ledger-figures.ts';
import { listNotices } from '../../src/store/notices.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { requires } from '../kit/requires.ts';
import { newId, stop, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

requires('temporal')('a drill', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
  });
  const ask = async (connectorId: string): Promise<{ readonly taskId: string; readonly grantId: string }> => {
    const taskId = newId('task');
    expect(await askDrill(rig.ledger.as('estop_control'), { taskId, connectorId, actor: 'Olga' })).toBe('asked');
    return { taskId, grantId: taskId.replace('task_', 'grant_') };
  };
  const ended = (connectorId: string): Promise<DrillRecord> =>
    until(async () => {
      const [newest] = await newestDrills(rig.ledger.as('estop_control'), [connectorId]);
      return newest?.state === 'asked' ? undefined : newest;
    });

  it('is proved where the cut holds, and not where it does not, or where nothing was there to cut', async () => {
    // Before anybody works, so that this one begins with little patience.
    const lied = await ask('liar');
    rig.target.behave(lied.grantId, { cut: 'lying' });
    await rig.control.workflow.start(workflowTypes.drill, {
      workflowId: drillWorkflowId(lied.taskId),
      taskQueue: queues.control,
      args: [{ taskId: lied.taskId, connectorId: 'liar', patienceMs: 1_500 }],
    });
    const hung = await ask('slow');
    rig.target.behave(hung.grantId, { cut: 'hung' });
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [beside, behind] = [await rig.grant(task, 'well'), await rig.grant(task, 'slow')];
    const well = await ask('well');
    const dead = await ask('dead');
    rig.target.behave(dead.grantId, { cut: 'down' });
    const stillborn = await ask('stillborn');
    rig.target.behave(stillborn.grantId, { cut: 'healthy', stillborn: true });
    await ask('barren');
    const usable = { drill: {} };
    const connectors = {
      well: usable,
      liar: usable,
      dead: usable,
      slow: { ...usable, attemptMs: 1_000 },
      barren: {},
      stillborn: usable,
    };
    rig.work({ connectors });

    expect(await ended('well')).toMatchObject({ state: 'proved', evidence: 'credential-probed', askedBy: 'Olga' });
    expect(rig.target.count('cut revoke-credential', well.grantId)).toBe(1);
    // That of an agent beside it was not touched.
    expect(rig.target.lines().filter((line) => line.endsWith(beside) && !line.startsWith('use'))).toEqual([]);
    expect(await ended('liar')).toMatchObject({ state: 'failed', why: expect.any(String) });
    expect(await ended('dead')).toMatchObject({ state: 'failed', why: expect.stringContaining('could not be issued') });
    // What never worked proves nothing by being refused.
    expect(await ended('stillborn')).toMatchObject({ state: 'failed', why: expect.stringContaining('did not work') });
    expect(await ended('barren')).toMatchObject({ state: 'impossible' });

    // One that hangs stands in nobody's way: a stop cuts off beside it.
    const { stopId } = await stopAgent(rig.ledger, agent);
    for (const grant of [beside, behind])
      await until(
        async () => (await getObligation(rig.ledger.as('estop_control'), `${stopId}/${grant}`))?.state === 'proved',
      );
    expect((await newestDrills(rig.ledger.as('estop_control'), ['slow']))[0]?.state).toBe('asked');

    // Whoever looks after the system hears of it, and the figure that is watched says so.
    const notices = await until(async () => {
      const found = (await listNotices(rig.ledger.as('estop_control'))).filter(({ event }) => event === 'drill.failed');
      return found.length >= 3 && found;
    });
    expect(notices.map(({ subject }) => subject).toSorted()).toEqual([
      'connector:dead',
      'connector:liar',
      'connector:stillborn',
    ]);
    const figures = await until(async () => {
      const now = await ledgerFigures(rig.ledger.as('estop_revoker'));
      return now.connectorsNotReady === 3 && now;
    });
    const over = figures.drills.filter(({ state }) => state !== null);
    expect(over.map(({ connector, state }) => `${connector} ${state}`).toSorted()).toEqual([
      'barren impossible',
      'dead failed',
      'liar failed',
      'stillborn failed',
      'well proved',
    ]);

    // Under a stop nothing is issued, for a drill no more than for an agent; and there is one at a time.
    const asked = { connectorId: 'slow', actor: 'Olga' };
    expect(await askDrill(rig.ledger.as('estop_control'), { ...asked, taskId: newId('task') })).toBe('busy');
    const covering = await stop(rig.ledger, 'connector:well');
    const refused = await ask('well');
    expect(await ended('well')).toMatchObject({ state: 'impossible', why: expect.stringContaining(covering.stopId) });
    expect(rig.target.lines().filter((line) => line.endsWith(refused.grantId))).toEqual([]);
    expect(await rig.ledger.sql('SELECT task_id FROM estop.tasks WHERE task_id = $1', [refused.taskId])).toEqual([]);
    // One that is under way ends with the stop, and that says nothing of its connector.
    const overtaking = await stop(rig.ledger, 'connector:slow');
    expect(await ended('slow')).toMatchObject({
      state: 'impossible',
      why: expect.stringContaining(overtaking.stopId),
    });
  }, 60_000);

  it('is made by itself where it is due, also one whose asker was killed, and where it can be made at all', async () => {
    const schedule = ['planned', 'orphaned', 'undrillable'].map((connectorId) => ({
      connectorId,
      everyMs: 86_400_000,
    }));
    await rig.ledger.sql(`UPDATE estop.stop_progress SET proved_at = coalesce(proved_at, clock_timestamp())`);
    const orphan = { taskId: newId('task'), connectorId: 'orphaned', everyMs: 86_400_000 };
    expect(await askDueDrill(rig.ledger.as('estop_revoker'), orphan)).toBe('asked');
    const usable = { drill: {} };
    const worker = rig.work({
      connectors: { planned: usable, orphaned: usable, undrillable: {} },
      drills: () => schedule,
    });
    expect(await ended('planned')).toMatchObject({ state: 'proved', askedBy: 'schedule' });
    expect(await ended('orphaned')).toMatchObject({ state: 'proved', taskId: orphan.taskId });
    await worker.close();
    expect((await dueDrills(rig.ledger.as('estop_revoker'), schedule)).map(({ connectorId }) => connectorId)).toEqual([
      'undrillable',
    ]);
    const [counted] = await rig.ledger.sql(
      "SELECT count(*)::integer AS n FROM estop.drills WHERE connector IN ('planned', 'orphaned', 'undrillable')",
    );
    expect(counted).toEqual({ n: 2 });
    const { drills } = await ledgerFigures(rig.ledger.as('estop_revoker'));
    expect(drills.find(({ connector }) => connector === 'planned')?.unprovedSeconds).toBeLessThan(600);
    expect(drills.find(({ connector }) => connector === 'liar')?.unprovedSeconds).toBeGreaterThan(0);
  }, 60_000);

  it('is not proved by anybody’s word', async () => {
    const { taskId } = await ask('unworked');
    const said = await finishDrill(rig.ledger.as('estop_revoker'), taskId, { state: 'proved' });
    expect(said).toBe('failed');
    // Once: what it came to stays.
    expect(await finishDrill(rig.ledger.as('estop_revoker'), taskId, { state: 'impossible' })).toBe('failed');
  });
});
