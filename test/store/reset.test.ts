import { beforeAll, expect, it } from 'vitest';
import { agentKey, labelKey } from '../../src/core/scope-key.ts';
import { auditTrail } from '../../src/store/audit-trail.ts';
import { currentEpoch } from '../../src/store/installation.ts';
import { latch } from '../../src/store/latch.ts';
import { getStop, listStops, resetStop } from '../../src/store/stops.ts';
import { checkTask } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import {
  addAgent,
  fence,
  killedBy,
  type Ledger,
  makeLedger,
  mustLatch,
  newName,
  order,
  startTask,
  stop,
  stopAgent,
} from './ledger.ts';
import { doneOrAsleep, doneOrBlocked } from './waiting.ts';

onEveryPostgres('a reset', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  const reset = (l: Ledger, stopId: string, actor = 'olga') =>
    resetStop(l.as('estop_control'), { stopId, actor, reason: 'looked into' });

  guarded(
    () => ledger,
    'is refused until the stop is fenced, and takes an epoch of its own',
    async (l) => {
      const stopped = await stop(l, agentKey(newName('a')));
      expect(await reset(l, stopped.stopId)).toEqual({ kind: 'not-fenced' });
      await fence(l, stopped.stopId);
      const before = await currentEpoch(l.as('estop_control'));
      const outcome = await reset(l, stopped.stopId);
      expect(outcome).toMatchObject({ kind: 'reset', epoch: before + 1 });
      expect(await reset(l, stopped.stopId, 'somebody else')).toEqual({ ...outcome, kind: 'already-reset' });
      expect(await currentEpoch(l.as('estop_control'))).toBe(before + 1);
      expect((await getStop(l.as('estop_control'), stopped.stopId))?.reset).toMatchObject({
        by: 'olga',
        reason: 'looked into',
      });
    },
    // rule: reset-needs-fenced, reset-takes-next-epoch
    {
      what: 'the fence',
      in: 'estop.reset',
      find: /IF target\.reset_at IS NULL AND NOT EXISTS[\s\S]*?END IF;/,
      put: '',
    },
    {
      what: 'the next epoch',
      in: 'estop.reset',
      find: 'SET reset_epoch = estop.current_epoch() + 1',
      put: 'SET reset_epoch = s.epoch',
    },
  );

  guarded(
    () => ledger,
    'revives nothing that was issued before the stop; a new task is new',
    async (l) => {
      const agent = await addAgent(l);
      const old = await startTask(l, agent);
      const stopped = await stopAgent(l, agent);
      await fence(l, stopped.stopId);
      await reset(l, stopped.stopId);
      expect((await checkTask(l.as('estop_control'), old.taskId))?.stopId).toBe(stopped.stopId);
      const fresh = await startTask(l, agent);
      expect((await checkTask(l.as('estop_control'), fresh.taskId))?.stopId).toBeUndefined();
    },
    {
      what: 'the comparison of epochs',
      in: 'estop.dead_by',
      find: 's.reset_at IS NULL OR s.epoch > coalesce(p_epoch, 0)',
      put: 's.reset_at IS NULL',
    },
  );

  it('of one stop leaves the others over the same agent in force', async () => {
    const value = newName('v');
    const agent = await addAgent(ledger, { labels: { team: value } });
    const first = await stopAgent(ledger, agent);
    const second = await stopAgent(ledger, agent);
    const third = await stop(ledger, labelKey('team', value));
    const dead = (): Promise<unknown> =>
      killedBy(ledger, [agentKey(agent.agentId), labelKey('team', value)], [agent.agentId], 1_000_000);
    for (const { stopId } of [first, second, third]) await fence(ledger, stopId);
    expect(await dead()).toBe(first.stopId);
    await reset(ledger, first.stopId);
    expect(await dead()).toBe(second.stopId);
    await reset(ledger, third.stopId);
    expect(await dead()).toBe(second.stopId);
    await reset(ledger, second.stopId);
    expect(await dead()).toBeUndefined();
  });

  guarded(
    () => ledger,
    'of the fleet needs a second person, who is another one',
    async (l) => {
      const stopped = await stop(l, 'fleet');
      await fence(l, stopped.stopId);
      try {
        expect(await reset(l, stopped.stopId)).toEqual({ kind: 'needs-second-person' });
        expect(await reset(l, stopped.stopId)).toEqual({ kind: 'needs-second-person' });
        await l.sql(`UPDATE estop.reset_consents SET at = at - interval '16 min' WHERE stop_id = $1`, [stopped.stopId]);
        expect(await reset(l, stopped.stopId, 'sam')).toEqual({ kind: 'needs-second-person' });
        expect((await reset(l, stopped.stopId)).kind).toBe('reset');
        // Each time that somebody said so, whatever became of it.
        const { items } = await auditTrail(l.as('estop_control'), { subject: stopped.stopId, kind: 'stop.reset' }, 10);
        expect(items.map(({ kind, actor }) => [kind, actor])).toEqual([
          ['stop.reset', 'olga'],
          ...['olga', 'sam', 'olga', 'olga'].map((actor) => ['stop.reset-wanted', actor]),
        ]);
      } finally {
        await l.sql(`DELETE FROM estop.stops WHERE scope_key = 'fleet'`);
      }
    },
    { what: 'another person', in: 'estop.reset', find: 'lower(n) = lower(c.actor)', put: 'false' },
    {
      what: 'the time limit',
      in: 'estop.reset',
      find: `AND c.at > clock_timestamp() - interval '15 minutes'`,
      put: '',
    },
  );

  it('needs a person and a reason, and a stop that exists', async () => {
    const control = ledger.as('estop_control');
    const stopped = await stop(ledger, agentKey(newName('a')));
    await expect(resetStop(control, { stopId: stopped.stopId, actor: '', reason: 'x' })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    await expect(resetStop(control, { stopId: stopped.stopId, actor: 'olga', reason: '' })).rejects.toMatchObject({
      code: 'invalid-input',
    });
    expect(await reset(ledger, 'nothing')).toEqual({ kind: 'unknown' });
  });

  guarded(
    () => ledger,
    'and two stops at once: every epoch is its own, in the order of commits, and the stops stand',
    async (l) => {
      const agent = await addAgent(l);
      const first = await stopAgent(l, agent);
      await fence(l, first.stopId);
      const another = () => latch(l.as('estop_stop'), order(agentKey(agent.agentId)));
      const name = newName('reset');
      const resetting = resetStop(l.alone('estop_control', name), {
        stopId: first.stopId,
        actor: 'olga',
        reason: 'a test',
      });
      const stops = [another(), another()];
      // The two may be through before the reset has begun; this one comes when whoever reads an epoch without the lock has read it.
      await doneOrAsleep(l, name, resetting);
      const [outcome, ...latched] = await Promise.all([resetting, ...stops, another()]);
      const epochs = [outcome.kind === 'reset' ? outcome.epoch : 0, ...latched.map((one) => mustLatch(one).epoch)];
      expect(new Set(epochs).size).toBe(4);
      expect(Math.max(...epochs)).toBe(first.epoch + 4);
      expect(await killedBy(l, [agentKey(agent.agentId)], [agent.agentId], 1_000_000)).toBeDefined();
    },
    {
      what: 'the lock of the stops',
      in: 'estop.reset',
      find: /PERFORM 1 FROM estop\.latch_order FOR UPDATE;[\s\S]*?(RETURN QUERY UPDATE[\s\S]*?SET reset_epoch = )estop\.current_epoch\(\) \+ 1/,
      put: `$1 (SELECT e FROM (SELECT estop.current_epoch() + 1 AS e, pg_sleep(1)) z)`,
    },
  );

  guarded(
    () => ledger,
    'that is held up by whatever holds up the ledger does not hold up a stop',
    async (l) => {
      const stopped = await stop(l, agentKey(newName('a')));
      await fence(l, stopped.stopId);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE estop.stop_progress, estop.reset_consents IN ACCESS EXCLUSIVE MODE');
      const resetting = newName('reset');
      const waiting = resetStop(l.alone('estop_control', resetting), {
        stopId: stopped.stopId,
        actor: 'olga',
        reason: 'x',
      });
      const blocked = await doneOrBlocked(l, resetting, waiting);
      const name = newName('latch');
      const latching = await doneOrBlocked(l, name, latch(l.alone('estop_stop', name), order(agentKey(newName('b')))));
      await holder.query('ROLLBACK');
      await waiting;
      expect(blocked).toBe('blocked');
      expect(latching).not.toBe('blocked');
    },
    {
      what: 'reading other tables before the lock',
      in: 'estop.reset',
      find: 'SELECT * INTO target FROM estop.stops s WHERE s.stop_id = p_stop_id;',
      put: 'PERFORM 1 FROM estop.latch_order FOR UPDATE; SELECT * INTO target FROM estop.stops s WHERE s.stop_id = p_stop_id;',
    },
  );

  it('is listed with its stop, newest first, page by page', async () => {
    const control = ledger.as('estop_control');
    const key = agentKey(newName('listed'));
    const made = [];
    for (let index = 0; index < 5; index += 1) made.push((await stop(ledger, key)).stopId);
    await fence(ledger, String(made[0]));
    await reset(ledger, String(made[0]));
    expect((await listStops(control, { scopeKey: key, inForce: true })).items.map((one) => one.stopId)).toEqual(
      made.slice(1).reverse(),
    );
    const first = await listStops(control, { scopeKey: key, limit: 3 });
    const second = await listStops(control, {
      scopeKey: key,
      limit: 3,
      ...(first.next === undefined ? {} : { cursor: first.next }),
    });
    expect([...first.items, ...second.items].map((one) => one.stopId)).toEqual([...made].reverse());
    expect(second.next).toBeUndefined();
  });
});
