import { beforeAll, expect, it } from 'vitest';
import { mintIntend, mintRecheck } from '../../src/store/grants.ts';
import { getObligation, listObligations, type ObligationRecord } from '../../src/store/obligations.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { requires } from '../kit/requires.ts';
import { newId, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, until } from './rig.ts';

requires('temporal')('the lanes of a stop', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work({
      connectors: {
        target: {},
        second: { attemptMs: 600 },
        third: {},
        fourth: {},
        settled: { settleMs: 2_000 },
        asynchronous: { settleMs: 8_000 },
      },
      broken: ['missing'],
    });
  });

  const lane = async (stopId: string, grantId: string): Promise<ObligationRecord | undefined> =>
    getObligation(rig.ledger.as('estop_control'), `${stopId}/${grantId}`);
  const inState = (stopId: string, grantId: string, state: ObligationRecord['state']) =>
    until(async () => {
      const seen = await lane(stopId, grantId);
      return seen?.state === state && seen;
    });
  const proved = (stopId: string) =>
    until(async () => {
      const seen = await stopProgress(rig.ledger.as('estop_control'), stopId);
      return seen?.stage === 'proved' && seen;
    });

  it('do not wait for one that hangs, one that lies and one that refuses us; those recover and are proved too', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [healthy, hung, lying, refusing] = [
      await rig.grant(task),
      await rig.grant(task, 'second'),
      await rig.grant(task, 'third'),
      await rig.grant(task, 'fourth'),
    ];
    rig.target.behave(hung, { cut: 'hung' });
    rig.target.behave(lying, { cut: 'lying' });
    rig.target.behave(refusing, { cut: 'refusing' });
    const { stopId } = await stopAgent(rig.ledger, agent);

    await inState(stopId, healthy, 'proved');
    await until(async () => (await lane(stopId, refusing))?.needsHuman !== undefined);
    await until(async () => ((await lane(stopId, lying))?.round ?? 0) >= 2);
    await until(async () => (await lane(stopId, hung))?.lastError?.includes('no answer within'));
    expect((await lane(stopId, hung))?.state).toBe('open');
    expect((await lane(stopId, refusing))?.nextTryAt).toBeDefined();
    expect((await stopProgress(rig.ledger.as('estop_control'), stopId))?.stage).not.toBe('proved');

    for (const key of [hung, lying]) rig.target.behave(key, { cut: 'healthy' });
    await inState(stopId, hung, 'proved');
    await inState(stopId, lying, 'proved');
    expect((await lane(stopId, refusing))?.state).toBe('open');
    expect(rig.target.count('cut fence', healthy)).toBe(1);
  });

  it('are not proved by an outage that refuses everybody', async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    rig.target.behave(grant, { cut: 'lying', lies: 3 });
    rig.target.outage(true);
    const { stopId } = await stopAgent(rig.ledger, agent);
    await until(async () => (await lane(stopId, grant))?.lastError?.includes('the control is not allowed either'));
    expect((await lane(stopId, grant))?.state).toBe('open');
    rig.target.outage(false);
    // It was alive all the time: only cutting again ended it.
    expect((await inState(stopId, grant, 'proved')).round).toBeGreaterThan(0);
  });

  it('are not proved by an outage that begins between the control and the probe', async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    rig.target.behave(grant, { cut: 'lying', outageAtUse: true });
    const { stopId } = await stopAgent(rig.ledger, agent);
    await until(async () => {
      const seen = await lane(stopId, grant);
      return seen?.lastError?.includes('the control is no longer allowed') || seen?.state === 'proved';
    });
    expect((await lane(stopId, grant))?.state).toBe('open');
    rig.target.behave(grant, { cut: 'healthy' });
    rig.target.outage(false);
    expect((await inState(stopId, grant, 'proved')).round).toBeGreaterThan(0);
  });

  it('watch residual access until its end, and prove it then', async () => {
    const agent = await rig.agent();
    const grant = await rig.grant(await rig.task(agent));
    rig.target.behave(grant, { cut: 'healthy', residualMs: 4_000 });
    const { stopId } = await stopAgent(rig.ledger, agent);
    const residual = await inState(stopId, grant, 'residual');
    expect(Date.parse(residual.residualUntil ?? '')).toBeGreaterThan(Date.parse(residual.openedAt));
    const end = await inState(stopId, grant, 'proved');
    expect(Date.parse(end.provedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(residual.residualUntil ?? ''));
    await proved(stopId);
  });

  it('close a grant whose issue was never confirmed only after its absolute end, when the issuer lists nothing', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const store = rig.ledger.as('estop_trusted');
    const intend = async (lifeMs: number): Promise<string> => {
      const grantId = newId('grant');
      await mintIntend(store, {
        grantId,
        name: grantId.slice(-8),
        taskId: task.taskId,
        connector: 'target',
        target: 'x',
        shared: false,
        handle: { key: grantId },
        epoch: task.epoch,
        lifeMs,
      });
      return grantId;
    };
    const [asked, neverAsked] = [await intend(8_000), await intend(600_000)];
    await mintRecheck(store, asked);
    const { stopId } = await stopAgent(rig.ledger, agent);
    expect((await inState(stopId, neverAsked, 'proved')).evidence).toBe('nothing-to-revoke');
    await inState(stopId, asked, 'residual');
    // The lost request reaches the issuer after all: it is found, and cut, while it is still watched.
    rig.target.grant(asked);
    await until(async () => rig.target.count('cut revoke-credential', asked) === 2);
    expect((await inState(stopId, asked, 'residual')).round).toBe(1);
    const end = await inState(stopId, asked, 'expired');
    expect(end.round).toBeGreaterThan(0);
    const [row] = await rig.ledger.sql('SELECT absolute_end FROM estop.grants WHERE grant_id = $1', [asked]);
    expect(Date.parse(end.provedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(String(row?.['absolute_end'])));
  });

  it('do not call a grant never asked for while a mint that began before the stop is about to ask', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const grantId = newId('grant');
    await mintIntend(rig.ledger.as('estop_trusted'), {
      grantId,
      name: 'late',
      taskId: task.taskId,
      connector: 'target',
      target: 'x',
      shared: false,
      handle: { key: grantId },
      epoch: task.epoch,
      lifeMs: 600_000,
    });
    // It has looked at the stops and has not committed.
    const minting = await rig.ledger.session('estop_trusted');
    await minting.query('BEGIN');
    expect((await minting.query('SELECT decision FROM estop.mint_recheck($1)', [grantId])).rows).toEqual([
      { decision: 'issue' },
    ]);
    const [self] = (await minting.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
    const { stopId } = await stopAgent(rig.ledger, agent);
    await until(async () => {
      // A mint that says nothing for two seconds is ended by the store, and here others may need as long.
      await minting.query('SELECT 1');
      const waiting = await rig.ledger.sql(
        'SELECT 1 FROM pg_stat_activity a WHERE $1 = ANY (pg_blocking_pids(a.pid))',
        [self?.pid],
      );
      return waiting.length > 0 || ((await lane(stopId, grantId))?.state ?? 'open') !== 'open';
    });
    expect((await lane(stopId, grantId))?.state).toBe('open');
    await minting.query('COMMIT');
    await inState(stopId, grantId, 'residual');
  });

  it('are opened again where the last probe finds a zombie, and all are probed once more', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [quiet, zombie] = [await rig.grant(task, 'settled'), await rig.grant(task, 'settled')];
    const { stopId } = await stopAgent(rig.ledger, agent);
    await inState(stopId, quiet, 'proved');
    await inState(stopId, zombie, 'proved');
    rig.target.revive(zombie);
    await proved(stopId);
    expect((await lane(stopId, zombie))?.round).toBe(1);
    expect(rig.target.count('cut revoke-credential', zombie)).toBe(2);
    expect(rig.target.count('cut revoke-credential', quiet)).toBe(1);
    // Lane and last probe; and the quiet one again if it had passed before the other was cut again.
    expect(rig.target.count('use now', quiet)).toBeGreaterThanOrEqual(2);
  });

  it('are probed for the last time only when their system has had time to settle after the last cut', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    await rig.grant(task, 'asynchronous');
    await rig.grant(task);
    const { stopId } = await stopAgent(rig.ledger, agent);
    await proved(stopId);
    // By the store's own record, so it holds on a slow machine too.
    const [row] = await rig.ledger.sql(
      "SELECT min(final_probed_at) - max(revoked_at) >= interval '8 s' AS settled FROM estop.obligations WHERE cause_id = $1",
      [stopId],
    );
    expect(row).toEqual({ settled: true });
  });

  it('of a task that somebody else terminated are opened and worked off, without a stop', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const grant = await rig.grant(task);
    await rig.agents.workflow.getHandle(`task/${task.taskId}`).terminate('from the UI');
    const closed = await until(async () => {
      const { items } = await listObligations(rig.ledger.as('estop_control'), { causeId: `end:${task.taskId}` });
      return items[0]?.finalAt !== undefined && items[0];
    });
    expect(closed).toMatchObject({ grantId: grant, state: 'proved', evidence: 'credential-probed' });
    const [row] = await rig.ledger.sql('SELECT outcome FROM estop.tasks WHERE task_id = $1', [task.taskId]);
    expect(row?.['outcome']).toBe('terminated');
    await until(
      async () =>
        (
          await rig.ledger.sql(
            "SELECT 1 FROM estop.grants WHERE grant_id = $1 AND state = 'ended' AND sealed IS NULL",
            [grant],
          )
        ).length > 0,
    );
  });

  it('of a connector that cannot be built keep waiting, it is named in the log, and the others work', async () => {
    expect(
      rig.logged.some(
        ({ fields }) => fields['event'] === 'connector.unavailable' && fields['connectorId'] === 'missing',
      ),
    ).toBe(true);
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const [healthy, missing] = [await rig.grant(task), await rig.grant(task, 'missing')];
    const { stopId } = await stopAgent(rig.ledger, agent);
    await inState(stopId, healthy, 'proved');
    await until(async () => (await lane(stopId, missing))?.lastError !== undefined);
    expect((await lane(stopId, missing))?.state).toBe('open');
  });
});
