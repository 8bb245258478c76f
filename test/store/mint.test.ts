import { beforeAll, expect, it } from 'vitest';
import { connectorKey } from '../../src/core/scope-key.ts';
import {
  getForLane,
  getGrant,
  handOver,
  listGrants,
  mintIntend,
  mintIssued,
  mintRecheck,
} from '../../src/store/grants.ts';
import { openEndObligations, openObligations } from '../../src/store/obligations.ts';
import { closeTasks, setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { intent, issued, secret } from './intent.ts';
import { addAgent, type Ledger, makeLedger, newId, newName, startTask, stop, stopAgent } from './ledger.ts';

onEveryPostgres('a grant', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  it('is intended, issued, handed over, and read with its secret by the revoker alone', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    const grantId = await issued(ledger, task);
    expect(await handOver(ledger.as('estop_gateway'), task.taskId, 'db', task.epoch)).toMatchObject({
      kind: 'handed-over',
      grantId,
      handle: { role: 'r' },
      sealed: Buffer.from(secret),
    });
    expect(await handOver(ledger.as('estop_gateway'), task.taskId, 'other', task.epoch)).toEqual({ kind: 'none' });
    expect((await getForLane(ledger.as('estop_revoker'), grantId))?.sealed).toEqual(Buffer.from(secret));
    await expect(getForLane(ledger.as('estop_control'), grantId)).rejects.toMatchObject({ code: 'internal' });
    await expect(getForLane(ledger.as('estop_trusted'), grantId)).rejects.toMatchObject({ code: 'internal' });
    expect((await listGrants(ledger.as('estop_control'), { taskId: task.taskId })).items).toMatchObject([
      { grantId, state: 'issued' },
    ]);
  });

  guarded(
    () => ledger,
    'is refused when a stop was latched before it was intended',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const connector = newName('c');
      const connectorStop = await stop(l, connectorKey(connector));
      expect(await mintIntend(l.as('estop_trusted'), intent(task, { connector }))).toEqual({
        kind: 'stopped',
        stopId: connectorStop.stopId,
      });
      const stopped = await stopAgent(l, agent);
      expect(await mintIntend(l.as('estop_trusted'), intent(task))).toEqual({
        kind: 'stopped',
        stopId: stopped.stopId,
      });
      expect((await listGrants(l.as('estop_control'), { taskId: task.taskId })).items).toEqual([]);
    },
    { what: 'the first look', in: 'estop.mint_intend', find: 'IF killer IS NOT NULL THEN', put: 'IF false THEN' },
    {
      what: 'the key of the connector',
      in: 'estop.mint_intend',
      find: `unnest(t.keys || ('connector:' || p_connector))`,
      put: 'unnest(t.keys)',
    },
  );

  guarded(
    () => ledger,
    'whose intent committed after the latch is never issued',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const wanted = intent(task);
      const slow = await l.session('estop_trusted');
      await slow.query('BEGIN');
      await slow.query(`SELECT * FROM estop.mint_intend($1, $2, $3, $4, $5, false, '{"role":"r"}', $6, 60000)`, [
        wanted.grantId,
        wanted.name,
        wanted.taskId,
        wanted.connector,
        wanted.target,
        wanted.epoch,
      ]);
      const stopped = await stopAgent(l, agent);
      expect(await openObligations(l.as('estop_revoker'), stopped.stopId)).toBe(0);
      await slow.query('COMMIT');
      expect(await mintRecheck(l.as('estop_trusted'), wanted.grantId)).toEqual({
        kind: 'stopped',
        stopId: stopped.stopId,
      });
      expect(await getGrant(l.as('estop_trusted'), wanted.grantId)).toMatchObject({
        state: 'ended',
        endReason: 'never-issued',
      });
    },
    // rule: mint-reread
    {
      what: 'the second look',
      in: 'estop.mint_recheck',
      find: 'IF killer IS NULL AND NOT closed AND NOT busy THEN',
      put: 'IF true THEN',
    },
  );

  guarded(
    () => ledger,
    'of which the issuer was asked is not called never issued, whoever looks again',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const wanted = intent(task);
      await mintIntend(l.as('estop_trusted'), wanted);
      expect((await mintRecheck(l.as('estop_trusted'), wanted.grantId)).kind).toBe('issue');
      // The worker dies here, having asked the issuer or not; another takes over after the stop.
      const stopped = await stopAgent(l, agent);
      expect((await mintRecheck(l.as('estop_trusted'), wanted.grantId)).kind).toBe('stopped');
      expect(await getGrant(l.as('estop_trusted'), wanted.grantId)).toMatchObject({ state: 'intended' });
      expect(await openObligations(l.as('estop_revoker'), stopped.stopId)).toBe(1);
    },
    {
      what: 'the mark that it was asked',
      in: 'estop.mint_recheck',
      find: 'IF mine.asked_at IS NULL THEN',
      put: 'IF true THEN',
    },
    {
      what: 'intended grants among the obligations',
      in: 'estop.open_obligations',
      find: `g.state <> 'ended'`,
      put: `g.state = 'issued'`,
    },
  );

  guarded(
    () => ledger,
    'issued while the stop was being latched is recorded, to be killed, and not handed over',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const wanted = intent(task);
      await mintIntend(l.as('estop_trusted'), wanted);
      await mintRecheck(l.as('estop_trusted'), wanted.grantId);
      const stopped = await stopAgent(l, agent);
      expect(await mintIssued(l.as('estop_trusted'), wanted.grantId, secret)).toEqual({
        kind: 'stopped',
        stopId: stopped.stopId,
      });
      expect(await handOver(l.as('estop_gateway'), task.taskId, 'db', task.epoch)).toEqual({
        kind: 'stopped',
        stopId: stopped.stopId,
      });
      expect((await getForLane(l.as('estop_revoker'), wanted.grantId))?.sealed).toBeDefined();
      expect(await openObligations(l.as('estop_revoker'), stopped.stopId)).toBe(1);
    },
    // rule: mint-reread-before-hand-over
    {
      what: 'the third look',
      in: 'estop.mint_issued',
      find: `CASE WHEN killer IS NOT NULL THEN 'stopped'`,
      put: `CASE WHEN false THEN 'stopped'`,
    },
    {
      what: 'the look at the hand-over',
      in: 'estop.hand_over',
      find: `CASE WHEN f.killer IS NOT NULL THEN 'stopped'`,
      put: `CASE WHEN false THEN 'stopped'`,
    },
  );

  guarded(
    () => ledger,
    'of a closed task is neither issued nor handed over, and ended like every other',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const kept = await issued(l, task, { name: 'kept' });
      const [early, late] = [intent(task, { name: 'early' }), intent(task, { name: 'late' })];
      await mintIntend(l.as('estop_trusted'), early);
      await mintIntend(l.as('estop_trusted'), late);
      await mintRecheck(l.as('estop_trusted'), late.grantId);
      await closeTasks(l.as('estop_trusted'), [task.taskId], 'done');
      expect(await mintRecheck(l.as('estop_trusted'), early.grantId)).toEqual({ kind: 'task-closed' });
      expect(await mintIssued(l.as('estop_trusted'), late.grantId, secret)).toEqual({ kind: 'task-closed' });
      expect(await mintIntend(l.as('estop_trusted'), intent(task))).toEqual({ kind: 'refused', reason: 'task-closed' });
      expect(await handOver(l.as('estop_gateway'), task.taskId, 'kept', task.epoch)).toEqual({ kind: 'task-closed' });
      await openEndObligations(l.as('estop_revoker'));
      const opened = await l.sql(
        'SELECT grant_id, cause_id FROM estop.obligations WHERE task_id = $1 ORDER BY grant_id',
        [task.taskId],
      );
      expect(opened.map((row) => row['grant_id'])).toEqual([kept, late.grantId].sort());
      expect(new Set(opened.map((row) => row['cause_id']))).toEqual(new Set([`end:${task.taskId}`]));
    },
    // rule: task-end-ends-grants
    {
      what: 'the task at the second look',
      in: 'estop.mint_recheck',
      find: 'IF killer IS NULL AND NOT closed AND NOT busy THEN',
      put: 'IF killer IS NULL THEN',
    },
    { what: 'the task at the third look', in: 'estop.mint_issued', find: `WHEN closed THEN 'task-closed'`, put: '' },
    {
      what: 'the task at the hand-over',
      in: 'estop.hand_over',
      find: `WHEN f.task_state = 'closed' THEN 'task-closed'`,
      put: '',
    },
    { what: "obligations at a task's end", in: 'estop.open_end_obligations', find: `t.state = 'closed'`, put: 'false' },
  );

  it('is not handed over while its task is held, after its end, or to a token older than a reset stop', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const grantId = await issued(ledger, task);
    const gateway = ledger.as('estop_gateway');
    await setTaskHeld(ledger.as('estop_control'), task.taskId, true, 'olga');
    expect(await handOver(gateway, task.taskId, 'db', task.epoch)).toEqual({ kind: 'held' });
    await setTaskHeld(ledger.as('estop_control'), task.taskId, false, 'olga');
    expect((await handOver(gateway, task.taskId, 'db', task.epoch)).kind).toBe('handed-over');
    await ledger.sql(`UPDATE estop.grants SET absolute_end = clock_timestamp() WHERE grant_id = $1`, [grantId]);
    expect(await handOver(gateway, task.taskId, 'db', task.epoch)).toEqual({ kind: 'none' });
  });

  it("carries its task's epoch and no other, and an absolute end", async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    for (const epoch of [task.epoch + 1, task.epoch - 1]) {
      expect(await mintIntend(ledger.as('estop_trusted'), intent(task, { epoch }))).toEqual({
        kind: 'refused',
        reason: 'epoch-from-elsewhere',
      });
    }
    const made = await mintIntend(ledger.as('estop_trusted'), intent(task, { lifeMs: 60_000 }));
    const end = made.kind === 'intended' ? Date.parse(made.absoluteEnd) : 0;
    expect(end).toBeGreaterThan(Date.now());
    expect(end).toBeLessThan(Date.now() + 120_000);
  });

  it("a retry finds its own intent, and nobody else's", async () => {
    const agent = await addAgent(ledger);
    const [task, other] = [await startTask(ledger, agent), await startTask(ledger, agent)];
    const wanted = intent(task);
    const first = await mintIntend(ledger.as('estop_trusted'), wanted);
    expect(await mintIntend(ledger.as('estop_trusted'), wanted)).toEqual({ ...first, kind: 'exists' });
    expect(await mintIntend(ledger.as('estop_trusted'), { ...wanted, taskId: other.taskId })).toEqual({
      kind: 'refused',
      reason: 'id-taken',
    });
    expect(await mintIntend(ledger.as('estop_trusted'), { ...wanted, handle: { role: 'another' } })).toEqual({
      kind: 'refused',
      reason: 'id-taken',
    });
    expect(await mintRecheck(ledger.as('estop_trusted'), newId('grant'))).toEqual({ kind: 'not-intended' });
    expect(await mintIssued(ledger.as('estop_trusted'), newId('grant'), secret)).toEqual({ kind: 'ended' });
  });
});
