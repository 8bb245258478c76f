import { beforeAll, describe, expect, it } from 'vitest';
import { askDueDrill, dueDrills, pruneDrills } from '../../src/store/drill-schedule.ts';
import { askDrill, finishDrill, newestDrills } from '../../src/store/drills.ts';
import { listNotices, noteNews } from '../../src/store/notices.ts';
import { resetStop } from '../../src/store/stops.ts';
import { createDatabase } from '../kit/postgres.ts';
import { addAgent, fence, type Ledger, makeLedger, newId, newName, stop } from './ledger.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

describe('drills by a schedule', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const revoker = () => ledger.as('estop_revoker');
  const askNow = (connectorId: string, everyMs = dayMs, taskId = newId('task')) =>
    askDueDrill(revoker(), { taskId, connectorId, everyMs });
  const isDue = async (connectorId: string, everyMs = dayMs): Promise<boolean> =>
    (await dueDrills(revoker(), [{ connectorId, everyMs }])).length === 1;
  const finish = async (connectorId: string, state: 'failed' | 'impossible' | 'proved'): Promise<void> => {
    const [newest] = await newestDrills(ledger.as('estop_control'), [connectorId]);
    const taskId = newest?.taskId ?? '';
    if (state !== 'proved') return void (await finishDrill(revoker(), taskId, { state, why: 'a test' }));
    // What is proved is borne out by a credential that was cut off; that is for others.
    const sql = "UPDATE estop.drills SET state = 'proved', finished_at = clock_timestamp() WHERE task_id = $1";
    await ledger.sql(sql, [taskId]);
  };
  const longAgo = (connectorId: string, ms: number) =>
    ledger.sql(
      `UPDATE estop.drills SET asked_at = asked_at - make_interval(secs => $2::float8), finished_at = finished_at - make_interval(secs => $2::float8)
       WHERE connector = $1`,
      [connectorId, ms / 1_000],
    );
  const proveAllStops = () =>
    ledger.sql(`INSERT INTO estop.stop_progress (stop_id, proved_at) SELECT stop_id, clock_timestamp() FROM estop.stops
      ON CONFLICT (stop_id) DO UPDATE SET proved_at = clock_timestamp()`);

  it('one is due where none ever was, and is asked for once, whoever asks at the same time', async () => {
    const crm = newName('crm');
    expect(await isDue(crm)).toBe(true);
    const asked = await Promise.all([askNow(crm), askNow(crm), askNow(crm)]);
    expect(asked.toSorted()).toEqual(['asked', 'not-due', 'not-due']);
    expect(await isDue(crm)).toBe(false);
    expect(await newestDrills(ledger.as('estop_control'), [crm])).toMatchObject([
      { state: 'asked', askedBy: 'schedule', isScheduled: true },
    ]);
    await finish(crm, 'impossible');
  });

  it('the next one is due after its time; after one that did not prove, within the hour; and one by hand counts', async () => {
    const crm = newName('crm');
    const taskId = newId('task');
    await askDrill(ledger.as('estop_control'), { taskId, connectorId: crm, actor: 'olga' });
    expect(await isDue(crm)).toBe(false);
    await finish(crm, 'proved');
    await longAgo(crm, 23 * hourMs);
    expect(await isDue(crm)).toBe(false);
    expect(await askNow(crm)).toBe('not-due');
    await longAgo(crm, 2 * hourMs);
    expect(await askNow(crm)).toBe('asked');
    await finish(crm, 'failed');
    expect(await isDue(crm)).toBe(false);
    await longAgo(crm, 2 * hourMs);
    expect(await isDue(crm)).toBe(true);
    // A row from the time before a clock was set back speaks for nothing.
    await longAgo(crm, -2 * dayMs);
    expect(await isDue(crm)).toBe(true);
  });

  it('none is asked for under a stop that covers it, or while a stop is worked off; all are afterwards', async () => {
    const crm = newName('crm');
    const { stopId } = await stop(ledger, `connector:${crm}`);
    expect(await askNow(crm)).toBe('stopped');
    expect(await askNow(newName('other'))).toBe('later');
    await proveAllStops();
    expect(await askNow(crm)).toBe('stopped');
    const fleet = await stop(ledger, 'fleet');
    const other = newName('other');
    expect(await askNow(other)).toBe('stopped');
    for (const [one, actor] of [
      [stopId, 'olga'],
      [fleet.stopId, 'olga'],
      [fleet.stopId, 'sam'],
    ] as const) {
      await fence(ledger, one);
      await resetStop(ledger.as('estop_control'), { stopId: one, actor, reason: 'a test' });
    }
    expect(await askNow(crm)).toBe('later');
    await proveAllStops();
    expect(await askNow(crm)).toBe('asked');
    expect(await askNow(other)).toBe('asked');
    for (const one of [crm, other]) await finish(one, 'impossible');
  });

  it('one whose credential is not dead yet is followed by no other: a connector that cuts nothing off is given no more', async () => {
    const crm = newName('crm');
    const taskId = newId('task');
    expect(await askNow(crm, hourMs, taskId)).toBe('asked');
    await finish(crm, 'failed');
    await longAgo(crm, 2 * hourMs);
    const left = newName('left');
    await ledger.sql(
      `INSERT INTO estop.obligations (obligation_id, cause_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state)
       VALUES ($1, $2, 0, $1, $3, $2, $4, 'a target', 'open')`,
      [left, taskId, `drill/${crm}`, crm],
    );
    expect([await isDue(crm), await askNow(crm, hourMs)]).toEqual([false, 'not-due']);
    // A person may still have it tried.
    const byHand = newId('task');
    expect(await askDrill(ledger.as('estop_control'), { taskId: byHand, connectorId: crm, actor: 'olga' })).toBe(
      'asked',
    );
    await finish(crm, 'failed');
    await longAgo(crm, 2 * hourMs);
    await ledger.sql(
      "UPDATE estop.obligations SET state = 'proved', final_at = clock_timestamp() WHERE obligation_id = $1",
      [left],
    );
    expect([await isDue(crm), await askNow(crm, hourMs)]).toEqual([true, 'asked']);
    await finish(crm, 'impossible');
  });

  it('four are under way at a time, and nobody makes it more often than every five minutes', async () => {
    const many = Array.from({ length: 12 }, () => newName('many'));
    // Many relays at once first, then each by itself: whoever is in the way of another asks again.
    await Promise.all(many.map((one) => askNow(one)));
    const outcomes: string[] = [];
    for (const one of many) outcomes.push(await askNow(one));
    expect(outcomes).toContain('later');
    const open = (await newestDrills(ledger.as('estop_control'), many)).map(({ connectorId }) => connectorId);
    expect(open).toHaveLength(4);
    for (const one of open) await finish(one, 'impossible');
    await expect(askNow(newName('often'), 60_000)).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('one that fails tells the owners of the agents that are given credentials there, once in a row of failures', async () => {
    const crm = newName('crm');
    const grants = [{ name: 'g', connector: crm, lifeMs: 60_000, options: {} }];
    const agent = await addAgent(ledger, { agentId: newName('bot'), grants });
    const bystander = await addAgent(ledger, { agentId: newName('bot') });
    const told = async () => {
      await noteNews(revoker(), { windowMs: dayMs, crowd: 1_000, crowdMs: 60_000, flood: 5, lostMs: 10_000 });
      const notices = await listNotices(ledger.as('estop_control'), { subject: `connector:${crm}` });
      return notices.map(({ event, quiet, agents }) => ({ event, quiet: quiet ?? null, agents })).reverse();
    };
    const failOnce = async () => {
      expect(await askNow(crm)).toBe('asked');
      await finish(crm, 'failed');
      const found = await told();
      await longAgo(crm, 2 * hourMs);
      return found.at(-1);
    };
    expect(await failOnce()).toEqual({ event: 'drill.failed', quiet: null, agents: [agent.agentId] });
    expect(await failOnce()).toMatchObject({ quiet: 'said-before' });
    // Whoever asks by hand is told each time.
    await askDrill(ledger.as('estop_control'), { taskId: newId('task'), connectorId: crm, actor: 'olga' });
    await finish(crm, 'failed');
    expect((await told()).at(-1)).toMatchObject({ quiet: null });
    await longAgo(crm, 2 * hourMs);
    expect(await failOnce()).toMatchObject({ quiet: 'said-before' });
    // What fails after it was proved is news.
    expect(await askNow(crm)).toBe('asked');
    await finish(crm, 'proved');
    await ledger.sql("UPDATE estop.drills SET asked_at = asked_at - interval '2 d' WHERE connector = $1", [crm]);
    expect(await failOnce()).toMatchObject({ quiet: null });
    expect(JSON.stringify(await told())).not.toContain(bystander.agentId);
  });

  it('what is long over goes with its task; the newest, the newest proved and the first of none stay', async () => {
    const rows = async (connector: string) =>
      (await ledger.sql('SELECT state FROM estop.drills WHERE connector = $1 ORDER BY asked_at', [connector])).map(
        ({ state }) => state,
      );
    const put = (connector: string, state: string, daysAgo: number) =>
      ledger.sql(
        `WITH made AS (INSERT INTO estop.drills (task_id, connector, asked_by, state, asked_at, finished_at)
           SELECT $1, $2, 'schedule', $3, x.at, CASE WHEN $3 <> 'asked' THEN x.at END FROM (SELECT clock_timestamp() - make_interval(days => $4) AS at) x RETURNING task_id)
         INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state)
           SELECT task_id, 'drill/' || $2, task_id, '{}', '{}', '{}', 0, 0, 'drill', 'drill', 'schedule', 'closed' FROM made`,
        [newId('task'), connector, state, daysAgo],
      );
    const [good, never, once, open] = ['good', 'never', 'once', 'open'].map(newName) as [
      string,
      string,
      string,
      string,
    ]; // four of four
    for (const [state, days] of [
      ['proved', 100],
      ['failed', 99],
      ['proved', 98],
      ['failed', 97],
      ['failed', 96],
      ['proved', 1],
    ] as const)
      await put(good, state, days);
    for (const days of [100, 99, 98]) await put(never, 'failed', days);
    for (const [state, days] of [
      ['proved', 100],
      ['failed', 99],
      ['failed', 98],
    ] as const)
      await put(once, state, days);
    await put(open, 'asked', 100);
    await put(open, 'failed', 99);
    const [{ task_id: held } = {}] = await ledger.sql(
      "SELECT task_id FROM estop.drills WHERE connector = $1 AND state = 'failed' ORDER BY asked_at LIMIT 1",
      [good],
    );
    await ledger.sql("UPDATE estop.tasks SET state = 'running' WHERE task_id = $1", [held]);
    while ((await pruneDrills(revoker(), 90 * dayMs, 100)) > 0);
    expect(await rows(good)).toEqual(['failed', 'proved']);
    expect(await rows(never)).toEqual(['failed', 'failed']);
    expect(await rows(once)).toEqual(['proved', 'failed']);
    expect(await rows(open)).toEqual(['asked', 'failed']);
    const left = await ledger.sql('SELECT count(*)::integer AS n FROM estop.tasks WHERE agent_id = $1', [
      `drill/${good}`,
    ]);
    expect(left).toEqual([{ n: 2 }]);
    await expect(pruneDrills(revoker(), hourMs, 100)).rejects.toMatchObject({ code: 'invalid-input' });
  });
});
