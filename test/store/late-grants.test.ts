import { beforeAll, expect, it } from 'vitest';
import { labelKey } from '../../src/core/scope-key.ts';
import { getGrant, mintIntend, mintRecheck } from '../../src/store/grants.ts';
import {
  getObligation,
  listObligations,
  openEndObligations,
  openObligations,
  wipeFinishedGrants,
} from '../../src/store/obligations.ts';
import { listProvedStops, listUnfinishedRevocations, listUnprovedStops } from '../../src/store/relay.ts';
import { markStage, markSweep, revocationState, stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import {
  addAgent,
  fence,
  type Ledger,
  makeLedger,
  newId,
  newName,
  putAgents,
  startTask,
  stop,
  stopAgent,
} from './ledger.ts';
import { addGrant, cutAndProve, lastProbe, stopped } from './stopped-agent.ts';

onEveryPostgres('grants that turn up late', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'what a proved stop in force comes to cover later takes `proved` back until it is dealt with',
    async (l) => {
      const value = newName('v');
      const key = labelKey('team', value);
      const early = await addAgent(l, { labels: { team: value } });
      const late = await addAgent(l);
      const task = await startTask(l, late);
      const grantId = await addGrant(l, task);
      const { stopId } = await stop(l, key);
      const revoker = l.as('estop_revoker');
      await fence(l, stopId);
      await openObligations(revoker, stopId);
      const sweep = async (agents: readonly string[]) => {
        for (const after of [0, 1]) expect(await markSweep(revoker, stopId, after, agents)).toBe(true);
      };
      await sweep([early.agentId]);
      for (const stage of ['halted', 'revoked', 'proved'] as const)
        expect(await markStage(revoker, stopId, stage)).toBe(true);
      expect((await listProvedStops(revoker, 0, 1_000)).map((one) => one.stopId)).toContain(stopId);

      await putAgents(l, [early, { ...late, labels: { team: value } }]);
      expect(await openObligations(revoker, stopId)).toBe(1);
      expect((await listUnprovedStops(revoker)).map((one) => one.stopId)).toContain(stopId);
      expect(await stopProgress(revoker, stopId)).toMatchObject({ stage: 'fenced', tasks: { covered: 1, halted: 0 } });
      expect(await stopProgress(revoker, stopId)).not.toHaveProperty('revokedAt');
      await closeTasks(revoker, [task.taskId], 'terminated');
      await cutAndProve(l, `${stopId}/${grantId}`);
      await lastProbe(l, `${stopId}/${grantId}`);
      // Nobody has looked for strays of the late one yet.
      await sweep([early.agentId, late.agentId]);
      for (const stage of ['halted', 'revoked', 'proved'] as const)
        expect(await markStage(revoker, stopId, stage)).toBe(true);
    },
    // rule: obligations-polled
    { what: 'labels as of now', in: 'estop.open_obligations', find: 'OR g.agents && labelled', put: '' },
    {
      what: 'taking `revoked` and `proved` back',
      in: 'estop.open_obligations',
      find: /UPDATE estop\.stop_progress p SET revoked_at = NULL[^;]*;/,
      put: '',
    },
    {
      what: 'taking `halted` back',
      in: 'estop.open_obligations',
      find: /UPDATE estop\.stop_progress p SET halted_at = NULL[^;]*;/,
      put: '',
    },
  );

  guarded(
    () => ledger,
    'an agent that a proved stop on a label comes to cover is swept for, although it has neither a task nor a grant',
    async (l) => {
      const value = newName('v');
      const [early, late] = [await addAgent(l, { labels: { team: value } }), await addAgent(l)];
      const { stopId } = await stop(l, labelKey('team', value));
      const revoker = l.as('estop_revoker');
      await fence(l, stopId);
      const proveWith = async (agents: readonly string[]) => {
        for (const after of [0, 1]) expect(await markSweep(revoker, stopId, after, agents)).toBe(true);
        for (const stage of ['halted', 'revoked', 'proved'] as const)
          expect(await markStage(revoker, stopId, stage)).toBe(true);
        await openObligations(revoker, stopId);
      };
      await proveWith([early.agentId]);
      expect(await stopProgress(revoker, stopId)).toMatchObject({ stage: 'proved', sweepsDone: 2 });
      await putAgents(l, [early, { ...late, labels: { team: value } }]);
      await openObligations(revoker, stopId);
      expect(await stopProgress(revoker, stopId)).toMatchObject({ stage: 'revoked', sweepsDone: 0 });
      expect((await listUnprovedStops(revoker)).map((one) => one.stopId)).toContain(stopId);
      await proveWith([early.agentId, late.agentId]);
      expect(await stopProgress(revoker, stopId)).toMatchObject({ stage: 'proved', sweepsDone: 2 });
    },
    // rule: stray-sweep
    {
      what: 'agents that no sweep looked for',
      in: 'estop.open_obligations',
      find: /UPDATE estop\.stop_progress p SET sweeps_done = 0[^;]*;/,
      put: '',
    },
    {
      what: 'whom the sweeps looked for',
      in: 'estop.mark_sweep',
      find: 'CASE WHEN p_after = 0 THEN p_agents ELSE p.swept_agents END',
      put: 'NULL',
    },
  );

  it('a grant intended before the latch and committed after the first look is found by a later one', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const slow = await ledger.session('estop_trusted');
    const grantId = newId('grant');
    await slow.query('BEGIN');
    await slow.query(`SELECT * FROM estop.mint_intend($1, 'a', $2, 'c', 't', false, '{}', $3, 60000)`, [
      grantId,
      task.taskId,
      task.epoch,
    ]);
    const { stopId } = await stopAgent(ledger, agent);
    const revoker = ledger.as('estop_revoker');
    expect(await openObligations(revoker, stopId)).toBe(0);
    await slow.query('COMMIT');
    expect(await openObligations(revoker, stopId)).toBe(1);
    expect(await openObligations(revoker, stopId)).toBe(0);
  });

  guarded(
    () => ledger,
    'a grant that was never issued is closed without a cut or a probe',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const grantId = newId('grant');
      await mintIntend(l.as('estop_trusted'), {
        grantId,
        name: 'a',
        taskId: task.taskId,
        connector: 'c',
        target: 't',
        shared: false,
        handle: {},
        epoch: task.epoch,
        lifeMs: 60_000,
      });
      const { stopId } = await stopAgent(l, agent);
      const revoker = l.as('estop_revoker');
      await fence(l, stopId);
      await openObligations(revoker, stopId);
      expect((await mintRecheck(l.as('estop_trusted'), grantId)).kind).toBe('stopped');
      await openObligations(revoker, stopId);
      expect(await getObligation(revoker, `${stopId}/${grantId}`)).toMatchObject({
        state: 'proved',
        evidence: 'nothing-to-revoke',
        finalAt: expect.any(String),
      });
      expect((await listUnfinishedRevocations(revoker)).filter((one) => one.causeId === stopId)).toEqual([]);
    },
    { what: 'closing it', in: 'estop.open_obligations', find: 'PERFORM estop.close_never_issued(p_stop_id);', put: '' },
  );

  it('a dead grant of a closed task that no stop is working on any more is still ended', async () => {
    const { agent, task, stopId, lanes } = await stopped(ledger, 1);
    const revoker = ledger.as('estop_revoker');
    await cutAndProve(ledger, String(lanes[0]));
    await lastProbe(ledger, String(lanes[0]));
    for (const stage of ['revoked', 'proved'] as const) await markStage(revoker, stopId, stage);
    await resetStop(ledger.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
    // Its mint had been suspended all that time.
    const late = newId('grant');
    await ledger.sql(
      `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end)
       SELECT $1, 'late', task_id, agent_id, agents, keys, epoch, 'c', 't', true, '{}', 'intended', clock_timestamp() FROM estop.tasks WHERE task_id = $2`,
      [late, task.taskId],
    );
    await openObligations(revoker, stopId);
    await openEndObligations(revoker);
    const open = (await listObligations(revoker, { agentId: agent.agentId, unfinished: true })).items;
    expect(open.map((one) => one.grantId)).toEqual([late]);
  });

  guarded(
    () => ledger,
    'a grant whose absolute end has come is ended although its task runs on, and one that is still good is left alone',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const [over, good] = [await addGrant(l, task), await addGrant(l, task)];
      const revoker = l.as('estop_revoker');
      const owed = async () =>
        (await listObligations(revoker, { agentId: agent.agentId })).items.map((one) => one.obligationId);
      await openEndObligations(revoker);
      expect(await owed()).toEqual([]);
      await l.sql(`UPDATE estop.grants SET absolute_end = clock_timestamp() - interval '1 ms' WHERE grant_id = $1`, [
        over,
      ]);
      await openEndObligations(revoker);
      expect(await owed()).toEqual([`end:${task.taskId}/${over}`]);
      await cutAndProve(l, `end:${task.taskId}/${over}`);
      await wipeFinishedGrants(revoker);
      expect(await getGrant(revoker, over)).toMatchObject({ state: 'ended', endReason: 'revoked' });
      expect(await getGrant(revoker, good)).toMatchObject({ state: 'issued' });
      await openEndObligations(revoker);
      expect(await owed()).toHaveLength(1);
    },
    // rule: task-end-ends-grants
    {
      what: 'the absolute end',
      in: 'estop.open_end_obligations',
      find: 'OR g.absolute_end < clock_timestamp()',
      put: '',
    },
    {
      what: 'leaving alone what is still good',
      in: 'estop.open_end_obligations',
      find: 'g.absolute_end < clock_timestamp()',
      put: 'true',
    },
  );

  it('five thousand grants of one agent get their obligations in one pass', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    await ledger.sql(
      `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end)
       SELECT 'many-' || t.task_id || n, 'n', task_id, agent_id, agents, keys, epoch, 'c', 't', false, '{}', 'issued', clock_timestamp() FROM estop.tasks t, generate_series(1, 5000) n
       WHERE t.task_id = $1`,
      [task.taskId],
    );
    const { stopId } = await stopAgent(ledger, agent);
    expect(await openObligations(ledger.as('estop_revoker'), stopId)).toBe(5_000);
    expect(await revocationState(ledger.as('estop_revoker'), stopId)).toMatchObject({ total: 5_000, uncovered: 0 });
  });
});
