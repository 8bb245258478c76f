import { beforeAll, expect, it } from 'vitest';
import { settle } from '../../src/store/calls.ts';
import { retireGateway } from '../../src/store/gateways.ts';
import { beginPhase, endPhase } from '../../src/store/lanes.ts';
import { acceptRisk, openEndObligations, wipeFinishedGrants } from '../../src/store/obligations.ts';
import { pruneRows } from '../../src/store/retention.ts';
import { markStage } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { closeTasks, type TaskRecord } from '../../src/store/tasks.ts';
import { retentionRound } from '../../src/workers/relay/retention-round.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough } from './calls.ts';
import { addGateway, view } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, fence, type Ledger, makeLedger, startTask, stop } from './ledger.ts';
import { addGrant, cutAndProve, lastProbe, stopped } from './stopped-agent.ts';

const dayMs = 86_400_000;
const olderMs = 90 * dayMs;

onEveryPostgres('what nobody needs any more', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
    await view(ledger, gatewayId);
    // No stop has to wait for it.
    await ledger.sql('UPDATE estop.gateways SET confirmed_epoch = 1000000');
  });
  const { call, ask } = callsThrough(() => gatewayId);

  /** As if it had all happened a hundred days ago. */
  const age = async (l: Ledger, task: TaskRecord): Promise<void> => {
    for (const change of [
      "calls SET admitted_at = admitted_at - interval '100 d', settled_at = settled_at - interval '100 d' WHERE task_id = $1",
      "grants SET ended_at = ended_at - interval '100 d' WHERE task_id = $1",
      "obligations SET final_at = final_at - interval '100 d' WHERE task_id = $1",
      `obligation_phases SET begun_at = begun_at - interval '100 d'
         WHERE obligation_id IN (SELECT obligation_id FROM estop.obligations WHERE task_id = $1)`,
    ])
      await l.sql(`UPDATE estop.${change}`, [task.taskId]);
  };
  const rowsOf = async (l: Ledger, task: TaskRecord): Promise<unknown> => {
    const [row] = await l.sql(
      `SELECT (SELECT count(*)::integer FROM estop.calls WHERE task_id = $1) AS calls,
         (SELECT count(*)::integer FROM estop.obligation_phases JOIN estop.obligations USING (obligation_id) WHERE task_id = $1) AS phases,
         (SELECT count(*)::integer FROM estop.obligations WHERE task_id = $1) AS obligations,
         (SELECT count(*)::integer FROM estop.grants WHERE task_id = $1) AS grants`,
      [task.taskId],
    );
    return row;
  };
  const all = { calls: 1, phases: 1, obligations: 1, grants: 1 };
  const prune = async (l: Ledger): Promise<void> => {
    while ((await pruneRows(l.as('estop_revoker'), { olderMs, atMost: 100 })) > 0);
  };
  guarded(
    () => ledger,
    'sign-ins that have long been over go, and no other',
    async (l) => {
      await l.sql(
        `INSERT INTO estop.people (person_id, issuer, subject, name, person) VALUES ('p', 'i', 's', 'n', 'n') ON CONFLICT DO NOTHING`,
      );
      await l.sql('DELETE FROM estop.sign_ins');
      for (const [id, endsIn, endedAgo] of [
        ['over', -91, null],
        ['ended', 5, 91],
        ['just over', -89, null],
        ['just ended', 5, 89],
        ['open', 5, null],
      ] as const)
        await l.sql(
          `INSERT INTO estop.sign_ins (sign_in_id, secret_hash, person_id, method, idle_ms, ends_at, ended_at)
             VALUES ($1, convert_to($1, 'UTF8'), 'p', 'oidc', 1000, clock_timestamp() + make_interval(days => $2), clock_timestamp() - make_interval(days => $3))`,
          [id, endsIn, endedAgo],
        );
      await prune(l);
      const left = await l.sql('SELECT sign_in_id FROM estop.sign_ins ORDER BY 1');
      expect(left.map((row) => row['sign_in_id'])).toEqual(['just ended', 'just over', 'open']);
    },
    {
      what: 'when they ended',
      in: 'estop.prune_rows',
      find: 'WHERE least(s.ends_at, s.ended_at) < before LIMIT',
      put: 'WHERE s.ends_at < clock_timestamp() LIMIT',
    },
  );

  const callOnce = async (l: Ledger, task: TaskRecord): Promise<void> => {
    const one = ask(task);
    expect((await call(l, task, one)).kind).toBe('allow');
    expect(await settle(l.as('estop_gateway'), one.callId, 'completed')).toBe(true);
  };
  const cutOnce = async (l: Ledger, obligationId: string): Promise<void> => {
    const key = { obligationId, phase: 'revoke-credential', round: 0 };
    await beginPhase(l.as('estop_revoker'), key);
    await endPhase(l.as('estop_revoker'), key, { kind: 'done' });
  };
  /** A task that made a call, had a grant, and merely ended. */
  const endedTask = async (l: Ledger): Promise<TaskRecord> => {
    const task = await startTask(l, await addAgent(l));
    const grantId = await addGrant(l, task);
    await callOnce(l, task);
    await closeTasks(l.as('estop_revoker'), [task.taskId], 'done');
    await openEndObligations(l.as('estop_revoker'));
    await cutOnce(l, `end:${task.taskId}/${grantId}`);
    await cutAndProve(l, `end:${task.taskId}/${grantId}`);
    await wipeFinishedGrants(l.as('estop_revoker'));
    return task;
  };
  const without = (what: string, find: string, put = '') => ({ what, in: 'estop.prune_rows', find, put });

  guarded(
    () => ledger,
    'is kept for its time and then gone; the audit and the task itself never are',
    async (l) => {
      const [old, young, late, bare] = [await endedTask(l), await endedTask(l), await endedTask(l), await endedTask(l)];
      for (const one of [old, late]) await age(l, one);
      // Of these, one lane became final only now, and one grant ended only now that never had a lane.
      const lanes = 'SELECT obligation_id FROM estop.obligations WHERE task_id = $1';
      for (const one of [late, bare])
        await l.sql(`DELETE FROM estop.obligation_phases WHERE obligation_id IN (${lanes})`, [one.taskId]);
      await l.sql('UPDATE estop.obligations SET final_at = clock_timestamp() WHERE task_id = $1', [late.taskId]);
      await l.sql('DELETE FROM estop.obligations WHERE task_id = $1', [bare.taskId]);
      const audit = await l.sql('SELECT count(*) FROM estop.audit');
      await prune(l);
      expect(await rowsOf(l, old)).toEqual({ calls: 0, phases: 0, obligations: 0, grants: 0 });
      expect(await rowsOf(l, young)).toEqual(all);
      expect(await rowsOf(l, late)).toMatchObject({ obligations: 1, grants: 1 });
      expect(await rowsOf(l, bare)).toMatchObject({ grants: 1 });
      expect(await l.sql('SELECT count(*) FROM estop.audit')).toEqual(audit);
      expect(await l.sql('SELECT 1 FROM estop.tasks WHERE task_id = $1', [old.taskId])).toHaveLength(1);
    },
    without('the age of calls', 'c.admitted_at < before AND c.settled_at < before AND'),
    without('the age of phases', 'f.begun_at < before AND o.final_at < before AND'),
    without('the age of grants', 'AND g.ended_at < before'),
    without('the age of lanes', 'OR o.final_at >= before'),
  );

  guarded(
    () => ledger,
    'is not what an open stop refers to, however old: its calls, phases, lanes and grants; closed, it keeps its proof',
    async (l) => {
      const { agent, task, stopId, lanes } = await stopped(l, 1);
      const lane = String(lanes[0]);
      await l.sql(
        `INSERT INTO estop.calls (call_id, gateway_id, task_id, agent_id, keys, epoch, tool_key, digest, settled_at, outcome)
         SELECT 'call-' || task_id, $2, task_id, agent_id, keys, epoch, 'tool:a/b', '', clock_timestamp(), 'completed' FROM estop.tasks WHERE task_id = $1`,
        [task.taskId, gatewayId],
      );
      await cutOnce(l, lane);
      await cutAndProve(l, lane);
      await lastProbe(l, lane);
      const revoker = l.as('estop_revoker');
      for (const stage of ['revoked', 'proved'] as const) expect(await markStage(revoker, stopId, stage)).toBe(true);
      await wipeFinishedGrants(revoker);
      // One more, which was over before anything was owed for it.
      await l.sql(
        `INSERT INTO estop.grants (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end, ended_at)
         SELECT grant_id || '-over', 'x', task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end, ended_at
         FROM estop.grants WHERE task_id = $1`,
        [task.taskId],
      );
      await age(l, task);
      await prune(l);
      // In force, and proved; the last probe is a phase of its own.
      expect(await rowsOf(l, task)).toEqual({ ...all, phases: 2, grants: 2 });
      await resetStop(l.as('estop_control'), { stopId, actor: 'olga', reason: 'over' });
      // Reset, and taken back from `proved` by what turned up late.
      await l.sql('UPDATE estop.stop_progress SET proved_at = NULL WHERE stop_id = $1', [stopId]);
      await prune(l);
      expect(await rowsOf(l, task)).toEqual({ ...all, phases: 2, grants: 2 });
      await markStage(revoker, stopId, 'proved');
      await prune(l);
      expect(await rowsOf(l, task)).toEqual({ calls: 0, phases: 0, obligations: 1, grants: 0 });
      expect(await l.sql('SELECT 1 FROM estop.stops WHERE stop_id = $1', [stopId])).toHaveLength(1);
      expect(agent.agentId).toBe(task.agentId);
    },
    without('calls of an open stop', 'AND NOT estop.is_under_open_stop(c.keys, t.agents)'),
    without('grants of an open stop', 'AND NOT estop.is_under_open_stop(g.keys, g.agents)'),
    without('phases of an open stop', 'WHERE s.stop_id = o.stop_id AND (', 'WHERE false AND ('),
    without('the lanes of a stop', 'AND d.stop_id IS NULL'),
  );

  guarded(
    () => ledger,
    'is not a grant that somebody still answers for, nor a call of a task that runs',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const [risky, running] = [await addGrant(l, task), await startTask(l, await addAgent(l))];
      await callOnce(l, running);
      await closeTasks(l.as('estop_revoker'), [task.taskId], 'done');
      await openEndObligations(l.as('estop_revoker'));
      await acceptRisk(l.as('estop_control'), `end:${task.taskId}/${risky}`, 'olga', 'the vendor is gone');
      // It died by itself, long after: the acceptance has a name on it and stays.
      await l.sql(`UPDATE estop.grants SET state = 'ended', ended_at = clock_timestamp() WHERE grant_id = $1`, [risky]);
      for (const one of [task, running]) await age(l, one);
      await prune(l);
      expect(await rowsOf(l, task)).toMatchObject({ obligations: 1 });
      expect(await rowsOf(l, running)).toMatchObject({ calls: 1 });
    },
    without('acceptances', `AND d.state <> 'accepted-risk'`),
    without('open tasks', `AND t.state = 'closed'`),
  );

  guarded(
    () => ledger,
    'is a gateway that retired long ago, but not one that a stop still waits for or names',
    async (l) => {
      const [idle, named] = [await addGateway(l), await addGateway(l)];
      for (const one of [idle, named]) await view(l, one);
      const retire = async (one: string) => {
        await retireGateway(l.as('estop_gateway'), one);
        await l.sql(`UPDATE estop.gateways SET retired_at = retired_at - interval '100 d' WHERE gateway_id = $1`, [
          one,
        ]);
      };
      const left = async () =>
        (await l.sql('SELECT gateway_id FROM estop.gateways WHERE gateway_id = ANY ($1)', [[idle, named]])).map(
          (row) => row['gateway_id'],
        );
      await retire(idle);
      const { stopId } = await stop(l, 'agent:kept');
      await l.sql(`UPDATE estop.stops SET latched_at = latched_at - interval '101 d' WHERE stop_id = $1`, [stopId]);
      await prune(l);
      expect(await left()).toContain(idle); // not fenced: the report still looks for it
      await l.sql(`UPDATE estop.stops SET latched_at = clock_timestamp() WHERE stop_id = $1`, [stopId]);
      await prune(l);
      expect(await left()).toEqual([named]);
      await l.sql('UPDATE estop.gateways SET confirmed_epoch = 1000000 WHERE retired_at IS NULL');
      expect(await fence(l, stopId)).toBe(true);
      await retire(named);
      await prune(l);
      expect(await left()).toEqual([named]); // fenced, in force: it is named there
    },
    without('stops that are not fenced', 'p.fenced_at IS NULL AND g.retired_at >= s.latched_at', 'false'),
    without('reports of open stops', 'WHERE r.stop_id = s.stop_id AND', 'WHERE false AND'),
    without('the age of gateways', 'g.retired_at < before', 'g.retired_at IS NOT NULL'),
  );

  guarded(
    () => ledger,
    'leaves no phase behind without its lane, however small the batches',
    async (l) => {
      const task = await endedTask(l);
      const [lane] = await l.sql('SELECT obligation_id FROM estop.obligations WHERE task_id = $1', [task.taskId]);
      await beginPhase(l.as('estop_revoker'), {
        obligationId: String(lane?.['obligation_id']),
        phase: 'probe',
        round: 0,
      });
      await age(l, task);
      await pruneRows(l.as('estop_revoker'), { olderMs, atMost: 1 });
      expect(await rowsOf(l, task)).toMatchObject({ phases: 1, obligations: 1, grants: 1 });
      await prune(l);
      expect(await rowsOf(l, task)).toEqual({ calls: 0, phases: 0, obligations: 0, grants: 0 });
    },
    without(
      'phases first',
      'OR EXISTS (SELECT 1 FROM estop.obligation_phases f WHERE f.obligation_id = o.obligation_id)',
    ),
  );

  it('goes in small batches, waits for nobody, and is asked for again soon while there is more', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    for (const _ of [1, 2, 3]) await callOnce(ledger, task);
    await closeTasks(ledger.as('estop_revoker'), [task.taskId], 'done');
    await age(ledger, task);
    const holder = await ledger.session();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM estop.calls WHERE task_id = $1 ORDER BY call_id LIMIT 1 FOR UPDATE', [
      task.taskId,
    ]);
    const revoker = ledger.as('estop_revoker');
    expect(await pruneRows(revoker, { olderMs, atMost: 1 })).toBe(1);
    expect(await rowsOf(ledger, task)).toMatchObject({ calls: 2 });
    await prune(ledger);
    expect(await rowsOf(ledger, task)).toMatchObject({ calls: 1 });
    await holder.query('ROLLBACK');
    const [more, done] = [
      await retentionRound(revoker, olderMs, 1).run(),
      await retentionRound(revoker, olderMs, 1).run(),
    ];
    expect(more).toBeLessThan(done);
    expect(await rowsOf(ledger, task)).toMatchObject({ calls: 0 });
  });

  it('is never less than a day old, whatever is asked for', async () => {
    await expect(pruneRows(ledger.as('estop_revoker'), { olderMs: 0, atMost: 1 })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });
});
