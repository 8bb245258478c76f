import { beforeAll, expect } from 'vitest';
import { taskKey } from '../../src/core/scope-key.ts';
import { getGrant, mintIntend, mintRecheck } from '../../src/store/grants.ts';
import { acceptRisk, openEndObligations, openObligations } from '../../src/store/obligations.ts';
import { resetStop } from '../../src/store/stops.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { intent, issued } from './intent.ts';
import { addAgent, fence, type Ledger, makeLedger, newId, newName, startTask, stop, stopAgent } from './ledger.ts';
import { doneOrBlocked, untilBlocked } from './waiting.ts';

onEveryPostgres('a grant', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'on a shared target waits until nothing of an earlier generation is open there',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const target = { connector: newName('c'), target: 'queue', shared: true };
      await issued(l, task, target);
      const stopped = await stopAgent(l, agent);
      await fence(l, stopped.stopId);
      await resetStop(l.as('estop_control'), { stopId: stopped.stopId, actor: 'olga', reason: 'over' });
      const next = await startTask(l, agent);
      const trusted = l.as('estop_trusted');
      // Killed, and no obligation has been opened yet.
      expect(await mintIntend(trusted, intent(next, target))).toEqual({ kind: 'target-busy' });
      await openObligations(l.as('estop_revoker'), stopped.stopId);
      await l.sql(`UPDATE estop.grants SET state = 'ended' WHERE task_id = $1`, [task.taskId]);
      // Ended, and its obligation has not passed the last probe.
      expect(await mintIntend(trusted, intent(next, target))).toEqual({ kind: 'target-busy' });
      expect((await mintIntend(trusted, intent(next, { ...target, shared: false }))).kind).toBe('intended');
      await l.sql(`UPDATE estop.obligations SET final_at = clock_timestamp() WHERE task_id = $1`, [task.taskId]);
      expect((await mintIntend(trusted, intent(next, target))).kind).toBe('intended');
    },
    // rule: target-block, open-until-final
    {
      what: 'killed grants',
      in: 'estop.target_is_busy',
      find: `(owner.state = 'closed' OR estop.dead_by(g.keys, g.agents, g.epoch) IS NOT NULL)`,
      put: '(false)',
    },
    { what: 'open obligations', in: 'estop.target_is_busy', find: 'AND o.final_at IS NULL', put: 'AND false' },
  );

  guarded(
    () => ledger,
    'on a shared target does not wait for what a person accepted as a risk',
    async (l) => {
      const agent = await addAgent(l);
      const [task, next] = [await startTask(l, agent), await startTask(l, agent)];
      const target = { connector: newName('c'), target: 'queue', shared: true };
      await issued(l, task, target);
      await closeTasks(l.as('estop_trusted'), [task.taskId], 'done');
      await openEndObligations(l.as('estop_revoker'));
      const mint = async () => (await mintIntend(l.as('estop_trusted'), intent(next, target))).kind;
      expect(await mint()).toBe('target-busy');
      const [lane] = await l.sql('SELECT obligation_id FROM estop.obligations WHERE task_id = $1', [task.taskId]);
      await acceptRisk(l.as('estop_control'), String(lane?.['obligation_id']), 'olga', 'the vendor is gone');
      expect(await mint()).toBe('intended');
    },
    {
      what: 'the acceptance',
      in: 'estop.target_is_busy',
      find: "o.state = 'accepted-risk'",
      put: 'false',
    },
  );

  guarded(
    () => ledger,
    'on a shared target waits where a stop kills anew what was accepted as a risk before it, even before that stop has opened anything',
    async (l) => {
      const agent = await addAgent(l);
      const [task, next] = [await startTask(l, agent), await startTask(l, agent)];
      const target = { connector: newName('c'), target: 'queue', shared: true };
      const risky = await issued(l, task, target);
      await closeTasks(l.as('estop_trusted'), [task.taskId], 'done');
      await openEndObligations(l.as('estop_revoker'));
      const accept = (cause: string) =>
        acceptRisk(l.as('estop_control'), `${cause}/${risky}`, 'olga', 'the vendor is gone');
      await accept(`end:${task.taskId}`);
      const { stopId } = await stop(l, taskKey(task.taskId));
      const mint = async () => (await mintIntend(l.as('estop_trusted'), intent(next, target))).kind;
      expect(await mint()).toBe('target-busy');
      await openObligations(l.as('estop_revoker'), stopId);
      expect(await mint()).toBe('target-busy');
      await accept(stopId);
      expect(await mint()).toBe('intended');
    },
    // rule: target-block
    {
      what: 'stops later than the acceptance',
      in: 'estop.target_is_busy',
      find: 'WHERE (s.reset_at IS NULL OR',
      put: 'WHERE false AND (s.reset_at IS NULL OR',
    },
  );

  guarded(
    () => ledger,
    'on a shared target is not asked for if something there was killed after it was intended',
    async (l) => {
      const agent = await addAgent(l);
      const [task, next] = [await startTask(l, agent), await startTask(l, agent)];
      const target = { connector: newName('c'), target: 'queue', shared: true };
      await issued(l, task, target);
      const trusted = l.as('estop_trusted');
      const [early, own] = [intent(next, target), intent(next, { ...target, shared: false })];
      for (const one of [early, own]) expect((await mintIntend(trusted, one)).kind).toBe('intended');
      await stop(l, taskKey(task.taskId));
      expect(await mintRecheck(trusted, early.grantId)).toEqual({ kind: 'target-busy' });
      expect(await getGrant(trusted, early.grantId)).toMatchObject({ state: 'ended', endReason: 'never-issued' });
      expect(await mintRecheck(trusted, own.grantId)).toEqual({ kind: 'issue' });
    },
    // rule: target-block
    {
      what: 'the second look at the target',
      in: 'estop.mint_recheck',
      find: 'busy := estop.target_is_busy(mine.agent_id, mine.connector, mine.target);',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'on a shared target waits for what a closed task left there',
    async (l) => {
      const agent = await addAgent(l);
      const [task, next] = [await startTask(l, agent), await startTask(l, agent)];
      const target = { connector: newName('c'), target: 'queue', shared: true };
      await issued(l, task, target);
      expect((await mintIntend(l.as('estop_trusted'), intent(next, target))).kind).toBe('intended');
      await closeTasks(l.as('estop_trusted'), [task.taskId], 'done');
      expect(await mintIntend(l.as('estop_trusted'), intent(next, target))).toEqual({ kind: 'target-busy' });
    },
    { what: 'closed tasks', in: 'estop.target_is_busy', find: `owner.state = 'closed' OR`, put: '' },
  );

  guarded(
    () => ledger,
    'on a shared target is looked at one intent after the other',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const target = { connector: newName('c'), target: 'queue', shared: true };
      const holder = await l.session('estop_trusted');
      const first = intent(task, target);
      await holder.query('BEGIN');
      await holder.query(`SELECT * FROM estop.mint_intend($1, 'a', $2, $3, $4, true, '{}', $5, 60000)`, [
        first.grantId,
        task.taskId,
        first.connector,
        first.target,
        task.epoch,
      ]);
      const name = newName('mint');
      const second = mintIntend(l.alone('estop_trusted', name), intent(task, target));
      const outcome = await doneOrBlocked(l, name, second);
      await holder.query('COMMIT');
      expect(outcome).toBe('blocked');
      expect((await second).kind).toBe('intended');
      // Another target, or one of its own, waits for nobody.
      await holder.query('BEGIN');
      await holder.query(`SELECT * FROM estop.mint_intend($1, 'a', $2, $3, $4, true, '{}', $5, 60000)`, [
        newId('grant'),
        task.taskId,
        first.connector,
        first.target,
        task.epoch,
      ]);
      const free = newName('mint');
      const unshared = await doneOrBlocked(
        l,
        free,
        mintIntend(l.alone('estop_trusted', free), intent(task, { ...target, shared: false })),
      );
      await holder.query('ROLLBACK');
      expect(unshared).not.toBe('blocked');
    },
    // rule: target-lock
    {
      what: 'the lock per agent and target',
      in: 'estop.mint_intend',
      find: /PERFORM estop.lock_target[^;]*;/,
      put: 'NULL;',
    },
  );

  guarded(
    () => ledger,
    'on a shared target, that waited its turn, sees the stop latched meanwhile',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const target = { connector: newName('c'), target: 'queue', shared: true };
      const holder = await l.session('estop_trusted');
      await holder.query('BEGIN');
      await holder.query(`SELECT * FROM estop.mint_intend($1, 'a', $2, $3, $4, true, '{}', $5, 60000)`, [
        newId('grant'),
        task.taskId,
        target.connector,
        target.target,
        task.epoch,
      ]);
      const name = newName('mint');
      const waiting = mintIntend(l.alone('estop_trusted', name), intent(task, target));
      await untilBlocked(l, name);
      const stopped = await stopAgent(l, agent);
      await holder.query('ROLLBACK');
      expect(await waiting).toEqual({ kind: 'stopped', stopId: stopped.stopId });
    },
    {
      what: 'reading the stops after the lock',
      in: 'estop.mint_intend',
      find: /IF p_shared THEN([\s\S]*)SELECT estop\.dead_by\(grant_keys, x\.agents, x\.epoch\) INTO killer FROM/,
      put: 'killer := estop.dead_by(grant_keys, t.agents, t.epoch); IF p_shared THEN $1 PERFORM 1 FROM',
    },
  );
});
