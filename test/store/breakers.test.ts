import { beforeAll, expect } from 'vitest';
import type { BreakerAction, BreakerKind, BreakerRule } from '../../src/core/breaker.ts';
import { agentKey } from '../../src/core/scope-key.ts';
import {
  listTrips,
  listTripsToLatch,
  measureBreakers,
  noteBreakerLook,
  noteTripLatched,
  rearmBreakers,
  resetBreaker,
  tripBreaker,
} from '../../src/store/breakers.ts';
import { noteConduct, type SeenConduct } from '../../src/store/conduct.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { latch } from '../../src/store/latch.ts';
import { resetStop } from '../../src/store/stops.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough } from './calls.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, fence, type Ledger, makeLedger, newId, order, putAgents, startChild, startTask } from './ledger.ts';

const ruleOf = (breaker: BreakerKind, action: BreakerAction = 'warn'): BreakerRule => ({
  breaker,
  action,
  most: 10,
  atLeast: 0,
  withinMs: 60_000,
});

onEveryPostgres('breakers in the ledger', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
  });
  const { call } = callsThrough(() => gatewayId);
  const nothing = { calls: 0, errors: 0, denied: 0, beyond: 0, overBudget: 0, risk: 0, microcents: 0 };
  const saw = (l: Ledger, agentId: string, seen: Partial<SeenConduct>, gateway = gatewayId): Promise<void> =>
    noteConduct(l.as('estop_gateway'), gateway, [{ agentId, toolKey: 'tool:mail/send', ...nothing, ...seen }], []);
  const measured = async (l: Ledger, agentId: string, breaker: BreakerKind) =>
    (await measureBreakers(l.as('estop_revoker'))).find(
      (one) => one.agentId === agentId && one.rule.breaker === breaker,
    );
  const trip = (l: Ledger, agentId: string, action: BreakerAction, stopId?: string): Promise<boolean> =>
    tripBreaker(l.as('estop_revoker'), {
      agentId,
      rule: ruleOf('call-rate', action),
      measured: 11,
      sample: 11,
      ...(stopId === undefined ? {} : { stopId }),
    });
  const reset = (l: Ledger, agentId: string) =>
    resetBreaker(l.as('estop_control'), { agentId, breaker: 'call-rate', actor: 'olga', reason: 'looked at it' });

  guarded(
    () => ledger,
    'add up what all gateways saw, within the window and since a person reset it',
    async (l) => {
      const agent = await addAgent(l, { breakers: [ruleOf('call-rate'), ruleOf('repetition')] });
      await saw(l, agent.agentId, { calls: 3, errors: 1, microcents: 5 });
      await saw(l, agent.agentId, { calls: 4 }, newId('gw'));
      await saw(l, agent.agentId, { calls: 1, denied: 2 });
      expect((await measured(l, agent.agentId, 'call-rate'))?.conduct).toMatchObject({
        calls: 8,
        errors: 1,
        denied: 2,
        microcents: 5,
      });
      const digest = 'ab'.repeat(32);
      for (const gateway of [gatewayId, newId('gw')])
        await noteConduct(
          l.as('estop_gateway'),
          gateway,
          [],
          [
            { agentId: agent.agentId, digest, calls: 6 },
            { agentId: agent.agentId, digest: 'cd'.repeat(32), calls: 7 },
          ],
        );
      expect((await measured(l, agent.agentId, 'repetition'))?.conduct.repeated).toBe(14);
      await l.sql(`UPDATE estop.conduct SET slot = slot - interval '1 min' WHERE agent_id = $1`, [agent.agentId]);
      expect((await measured(l, agent.agentId, 'call-rate'))?.conduct.calls).toBe(0);
      await l.sql(`UPDATE estop.conduct SET slot = slot + interval '30 s' WHERE agent_id = $1`, [agent.agentId]);
      expect((await measured(l, agent.agentId, 'call-rate'))?.conduct.calls).toBe(8);
      await trip(l, agent.agentId, 'hold');
      expect(await reset(l, agent.agentId)).toEqual({ kind: 'reset' });
      expect((await measured(l, agent.agentId, 'call-rate'))?.conduct.calls).toBe(0);
    },
    {
      what: 'the window',
      in: 'estop.measure_breakers',
      find: `greatest(clock_timestamp() - make_interval(secs => r."withinMs" / 1000.0), (`,
      put: `coalesce(NULL, (`,
    },
    {
      what: 'starting anew after a reset',
      in: 'estop.measure_breakers',
      find: 'AND b.cleared_by IS NOT NULL)',
      put: 'AND false)',
    },
    {
      what: 'adding to the same slot',
      in: 'estop.note_conduct',
      find: 'calls = c.calls + excluded.calls, errors',
      put: 'calls = excluded.calls, errors',
    },
  );

  guarded(
    () => ledger,
    'count the children of tasks, and the tools of now beside those of before',
    async (l) => {
      const child = await addAgent(l);
      const agent = await addAgent(l, {
        breakers: [ruleOf('fan-out'), ruleOf('behaviour-drift')],
        mayStart: [child.agentId],
      });
      const root = await startTask(l, agent);
      await startChild(l, root, agent, child);
      await startChild(l, root, agent, child);
      expect((await measured(l, agent.agentId, 'fan-out'))?.conduct.children).toBe(2);
      await saw(l, agent.agentId, { calls: 90, toolKey: 'tool:mail/read' });
      await l.sql(`UPDATE estop.conduct SET slot = slot - interval '3 h' WHERE agent_id = $1`, [agent.agentId]);
      await l.sql('SELECT estop.fold_conduct(100)');
      await saw(l, agent.agentId, { calls: 10, toolKey: 'tool:mail/read' });
      await l.sql(`UPDATE estop.conduct SET slot = slot - interval '10 min' WHERE agent_id = $1`, [agent.agentId]);
      await saw(l, agent.agentId, { calls: 7, toolKey: 'tool:mail/send' });
      const drift = await measured(l, agent.agentId, 'behaviour-drift');
      expect([...(drift?.conduct.tools ?? [])].sort((a, b) => a.now - b.now)).toEqual([
        { now: 0, before: 100 },
        { now: 7, before: 0 },
      ]);
    },
    {
      what: 'keeping the past',
      in: 'estop.fold_conduct',
      find: 'WHERE o.calls > 0 GROUP BY',
      put: 'WHERE false GROUP BY',
    },
  );

  guarded(
    () => ledger,
    'hold every task of their agent and what it started, old and new, until a person resets them',
    async (l) => {
      const helper = await addAgent(l);
      const agent = await addAgent(l, { breakers: [ruleOf('call-rate', 'hold')], mayStart: [helper.agentId] });
      await noteBreakerLook(l.as('estop_revoker'));
      const task = await startTask(l, agent);
      const child = await startChild(l, task, agent, helper);
      const free = await startTask(l, helper);
      expect(await trip(l, agent.agentId, 'hold')).toBe(true);
      expect(await trip(l, agent.agentId, 'hold')).toBe(false);
      for (const one of [task, child, await startTask(l, agent)]) expect(await call(l, one)).toEqual({ kind: 'held' });
      expect(await call(l, free)).toEqual({ kind: 'allow' });
      // Quiet again, or milder rules, or the agents' configuration put once more: none of it releases.
      await rearmBreakers(l.as('estop_revoker'), [{ agentId: agent.agentId, breaker: 'call-rate' }]);
      await putAgents(l, [{ ...agent, breakers: [] }]);
      expect(await trip(l, agent.agentId, 'warn')).toBe(false);
      expect(await call(l, task)).toEqual({ kind: 'held' });
      expect((await listTrips(l.as('estop_control'), { agentId: agent.agentId, open: true }))[0]).toMatchObject({
        breaker: 'call-rate',
        action: 'hold',
        measured: 11,
        most: 10,
        withinMs: 60_000,
      });
      expect(await reset(l, agent.agentId)).toEqual({ kind: 'reset' });
      expect(await reset(l, agent.agentId)).toEqual({ kind: 'not-tripped' });
      expect(await call(l, task)).toEqual({ kind: 'allow' });
    },
    { what: 'the hold', in: 'estop.is_held', find: /OR \(EXISTS.*is_held_by_breaker\(.*\)\)/, put: '' },
    {
      what: 'the hold, at the first look of ADMIT',
      in: 'estop.admit',
      find: /AND NOT EXISTS \(SELECT 1 FROM estop\.breaker_trips b WHERE b\.cleared_at IS NULL\)/,
      put: '',
    },
    {
      what: 'leaving holds to people',
      in: 'estop.rearm_breakers',
      find: `AND b.action IN ('shadow', 'warn')`,
      put: '',
    },
    { what: 'one open trip', in: 'estop.trip_breaker', find: 'IF NOT FOUND THEN RETURN false; END IF;', put: '' },
    {
      what: 'the lineage',
      in: 'estop.is_held_by_breaker',
      find: 'p_ancestors || p_task_id',
      put: `'{}'::text[] || p_task_id`,
    },
  );

  guarded(
    () => ledger,
    'that stop hold at once, are latched as any stop under the id in the trip, and end with its reset',
    async (l) => {
      const agent = await addAgent(l, { breakers: [ruleOf('call-rate', 'stop')] });
      await noteBreakerLook(l.as('estop_revoker'));
      const task = await startTask(l, agent);
      const stopId = newId('stop');
      const revoker = l.as('estop_revoker');
      await trip(l, agent.agentId, 'stop', stopId);
      expect(await call(l, task)).toEqual({ kind: 'held' });
      expect((await listTripsToLatch(revoker)).map((one) => one.stopId)).toContain(stopId);
      expect(await noteTripLatched(revoker, stopId)).toBe(false);
      expect(await call(l, task)).toEqual({ kind: 'held' });
      await latch(revoker, order(agentKey(agent.agentId), { stopId, method: 'breaker', actor: 'breaker' }));
      expect(await noteTripLatched(revoker, stopId)).toBe(true);
      expect(await call(l, task)).toEqual({ kind: 'stopped', stopId });
      expect(await reset(l, agent.agentId)).toEqual({ kind: 'stopped', stopId });
      await rearmBreakers(revoker, []);
      expect(await listTrips(revoker, { agentId: agent.agentId, open: true })).toHaveLength(1);
      await retireAll(l);
      expect(await fence(l, stopId)).toBe(true);
      expect((await resetStop(l.as('estop_control'), { stopId, actor: 'olga', reason: 'fixed' })).kind).toBe('reset');
      await rearmBreakers(revoker, []);
      expect(await listTrips(revoker, { agentId: agent.agentId, open: true })).toHaveLength(0);
      gatewayId = newId('gw');
      await registerGateway(l.as('estop_gateway'), gatewayId, 'x');
      expect(await call(l, task)).toEqual({ kind: 'stopped', stopId });
      expect(await call(l, await startTask(l, agent))).toEqual({ kind: 'allow' });
    },
    {
      what: 'holding until it is latched',
      in: 'estop.is_held_by_breaker',
      find: `OR (b.action = 'stop' AND b.latched_at IS NULL)`,
      put: '',
    },
    { what: 'the stop in the ledger', in: 'estop.note_trip_latched', find: /AND EXISTS \(.*\);/, put: ';' },
    {
      what: 'a stop being reset as a stop',
      in: 'estop.reset_breaker',
      find: `IF b.action = 'stop' THEN`,
      put: 'IF false THEN',
    },
    { what: 'waiting for the reset', in: 'estop.rearm_breakers', find: 'AND s.reset_at IS NOT NULL', put: '' },
  );

  guarded(
    () => ledger,
    'that act let their agent through only while they are watched, by this clock, also where it went back',
    async (l) => {
      const acting = await startTask(l, await addAgent(l, { breakers: [ruleOf('call-rate', 'stop')] }));
      const telling = await startTask(l, await addAgent(l, { breakers: [ruleOf('call-rate')] }));
      await noteBreakerLook(l.as('estop_revoker'));
      expect(await call(l, acting)).toEqual({ kind: 'allow' });
      for (const away of ['-16 s', '10 s']) {
        await l.sql('UPDATE estop.breaker_looks SET looked_at = clock_timestamp() + $1::interval', [away]);
        expect(await call(l, acting)).toEqual({ kind: 'denied', reason: 'unwatched' });
        expect(await call(l, telling)).toEqual({ kind: 'allow' });
      }
      await noteBreakerLook(l.as('estop_revoker'));
      expect(await call(l, acting)).toEqual({ kind: 'allow' });
    },
    {
      what: 'asking for a look',
      in: 'estop.record_call',
      find: 'a.must_be_watched AND estop.is_unwatched(n.agent_id)',
      put: 'false',
    },
    {
      what: 'looks of the future',
      in: 'estop.is_unwatched',
      find: /BETWEEN (.*) AND clock_timestamp\(\)/,
      put: '> $1',
    },
  );
});

async function retireAll(l: Ledger): Promise<void> {
  await l.sql("UPDATE estop.gateways SET retired_at = clock_timestamp() - interval '1 h' WHERE retired_at IS NULL");
}
