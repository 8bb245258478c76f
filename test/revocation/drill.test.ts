import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { drillWorkflowId, queues, workflowTypes } from '../../src/contract/names.ts';
import { askDueDrill, dueDrills } from '../../src/store/drill-schedule.ts';
import { askDrill, type DrillRecord, finishDrill, newestDrills } from '../../src/store/drills.ts';
import { ledgerFigures } from '../../src/store/ledger-figures.ts';
import { listNotices } from '../../src/store/notices.ts';
import { getObligation } from '../../src/store/obligations.ts';
import { runProgram } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { newId, stop, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

/** What is to be issued or tried is so however slow the machine is just now: an attempt without an answer in time counts as failed. */
const usable = { drill: {}, attemptMs: 20_000 };

const program = join(import.meta.dirname, 'programs', 'control-worker.ts');

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
    const connectors = {
      well: usable,
      liar: usable,
      dead: usable,
      slow: { ...usable, attemptMs: 5_000 },
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

  it('is over and told, and leaves nothing alive, where its process was killed in any part of it; and the next is made', async () => {
    const revoker = rig.ledger.as('estop_revoker');
    const parts = ['making', 'trying', 'cutting', 'waiting'] as const;
    // What is made or tried hangs until its process is killed, however long that takes; of a cut that hung it is heard when its time is over.
    const connectors = Object.fromEntries(
      parts.map((part) => [part, { drill: {}, attemptMs: part === 'cutting' ? 5_000 : 30_000 }]),
    );
    const drills = parts.map((connectorId) => ({ connectorId, everyMs: 86_400_000 }));
    const start = async (planned: typeof drills) => {
      const process = runProgram(program, [
        rig.ledger.urls.estop_revoker,
        rig.temporal.address,
        rig.folder,
        rig.target.url,
        JSON.stringify({ connectors, drills: planned }),
      ]);
      await process.next();
      return process;
    };
    const askByPlan = async (connectorId: (typeof parts)[number]): Promise<string> => {
      const taskId = newId('task');
      expect(await askDueDrill(revoker, { taskId, connectorId, everyMs: 86_400_000 })).toBe('asked');
      return taskId.replace('task_', 'grant_');
    };
    const [making, trying, cutting] = [
      await askByPlan('making'),
      await askByPlan('trying'),
      await askByPlan('cutting'),
    ];
    rig.target.behave(making, { cut: 'healthy', mute: 'make' });
    rig.target.behave(trying, { cut: 'healthy', mute: 'use' });
    rig.target.behave(cutting, { cut: 'hung' });
    // The fourth is the next one's to ask for: on a slow machine the killed one would have begun it as well.
    const killed = await start(drills.slice(0, 3));
    await until(async () => rig.target.count('make now', making) > 0);
    await until(async () => rig.target.count('use now', trying) > 0);
    await until(
      async () => rig.target.count('cut revoke-credential', cutting) + rig.target.count('cut fence', cutting) > 0,
    );
    await killed.kill('SIGKILL');
    const grants = [making, trying, cutting];
    for (const grant of grants) rig.target.behave(grant, { cut: 'healthy' });
    const next = await start(drills);
    const [first, second, third, fourth] = await Promise.all(parts.map((part) => ended(part)));
    for (const one of [first, second])
      expect(one).toMatchObject({ state: 'failed', why: expect.stringContaining('interrupted') });
    // With the reason, should it be another.
    for (const one of [third, fourth]) expect([one?.state, one?.why]).toEqual(['proved', undefined]);
    grants.push((fourth?.taskId ?? '').replace('task_', 'grant_'));
    // Nothing of it works any more, by the word of the system and by that of the ledger.
    const isDead = async (grant: string): Promise<boolean> =>
      (await fetch(`${rig.target.url}/use/now/${grant}`, { method: 'POST' })).status === 403;
    for (const grant of grants) await until(() => isDead(grant));
    const leftOf = async (grant: string): Promise<Record<string, unknown> | undefined> => {
      const sql =
        'SELECT t.state AS task, o.state, o.final_at IS NOT NULL AS final, o.residual_until <= g.absolute_end AS bounded FROM estop.grants g JOIN estop.tasks t USING (task_id) JOIN estop.obligations o USING (grant_id) WHERE g.grant_id = $1';
      return (await rig.ledger.sql(sql, [grant]))[0];
    };
    for (const grant of grants.slice(1)) await until(async () => (await leftOf(grant))?.['final'] === true);
    // Whether that one was made nobody has heard. It is cut off, and counts as alive until the end that its issuer was told.
    const left = await until(async () => {
      const now = await leftOf(making);
      return now?.['state'] === 'residual' && now;
    });
    expect(left).toEqual({ task: 'closed', state: 'residual', final: false, bounded: true });
    for (const part of ['making', 'trying'])
      await until(async () => {
        const told = await listNotices(rig.ledger.as('estop_control'), { subject: `connector:${part}` });
        return told.some(({ event }) => event === 'drill.failed');
      });
    // As if its time had come again: it goes on by itself.
    await rig.ledger.sql("UPDATE estop.drills SET asked_at = asked_at - interval '2 days' WHERE connector = ANY ($1)", [
      parts,
    ]);
    const isProvedAnew = async (part: string): Promise<boolean> => {
      const [newest] = await newestDrills(rig.ledger.as('estop_control'), [part]);
      return newest?.state === 'proved' && newest.isScheduled && Date.parse(newest.askedAt) > Date.now() - 86_400_000;
    };
    for (const part of parts.slice(1)) await until(() => isProvedAnew(part));
    expect(await dueDrills(revoker, drills)).toEqual([]);
    expect((await newestDrills(rig.ledger.as('estop_control'), ['making']))[0]?.state).toBe('failed');
    await next.kill('SIGKILL');
  }, 120_000);

  it('is not proved by anybody’s word', async () => {
    const { taskId } = await ask('unworked');
    const said = await finishDrill(rig.ledger.as('estop_revoker'), taskId, { state: 'proved' });
    expect(said).toBe('failed');
    // Once: what it came to stays.
    expect(await finishDrill(rig.ledger.as('estop_revoker'), taskId, { state: 'impossible' })).toBe('failed');
  });
});
