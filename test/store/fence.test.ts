import { beforeAll, expect, it } from 'vitest';
import { agentKey } from '../../src/core/scope-key.ts';
import { admit, settle } from '../../src/store/calls.ts';
import { drainWanted, noteStopSeen, recordDrain, reportFence } from '../../src/store/fence.ts';
import { confirmFence, registerGateway, renewLease, retireGateway, retireLapsedGateways, type Renewal } from '../../src/store/gateways.ts';
import { storeIdentity, storeNow } from '../../src/store/installation.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { resetStop } from '../../src/store/stops.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, fence, keepBeating, type Ledger, makeLedger, newId, newName, startTask, stop, stopAgent } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

const leaseMs = 3_000;
const retainMs = 60_000;

async function addGateway(ledger: Ledger): Promise<string> {
  const gatewayId = newId('gw');
  await registerGateway(ledger.as('estop_gateway'), gatewayId, '127.0.0.1:1');
  return gatewayId;
}

async function renew(ledger: Ledger, gatewayId: string, changes: { readonly leaseMs?: number; readonly retainMs?: number; readonly afterGap?: boolean } = {}): Promise<Renewal> {
  await keepBeating(ledger);
  return renewLease(ledger.as('estop_gateway'), { gatewayId, leaseMs, retainMs, afterGap: false, ...changes });
}

async function view(ledger: Ledger, gatewayId: string): Promise<Extract<Renewal, { granted: true }>> {
  const renewal = await renew(ledger, gatewayId);
  if (!renewal.granted) throw new Error(`no lease: ${renewal.refusal}`);
  return renewal;
}

const lapse = (ledger: Ledger, gatewayId: string): Promise<unknown> =>
  ledger.sql(`UPDATE estop.gateways SET lease_until = clock_timestamp() - interval '1 s' WHERE gateway_id = $1`, [gatewayId]);
const seenLongAgo = (ledger: Ledger, stopId: string): Promise<unknown> =>
  ledger.sql(`UPDATE estop.stop_progress SET seen_at = seen_at - interval '1 min' WHERE stop_id = $1`, [stopId]);

onEveryPostgres('the fence', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  /** Every scenario starts without other gateways. */
  const alone = async (l: Ledger): Promise<void> => {
    await l.sql(`UPDATE estop.gateways SET retired_at = '2000-01-01' WHERE retired_at IS NULL`);
  };

  guarded(
    () => ledger,
    'no lease is renewed when nobody exercised the latch within it',
    async (l) => {
      const gatewayId = await addGateway(l);
      await l.sql(`UPDATE estop.latch_marks SET beat_at = clock_timestamp() - interval '3.1 s'`);
      const store = l.as('estop_gateway');
      expect(await renewLease(store, { gatewayId, leaseMs, retainMs, afterGap: false })).toEqual({ granted: false, refusal: 'no-beat' });
      await l.sql('DELETE FROM estop.latch_marks');
      expect(await renewLease(store, { gatewayId, leaseMs, retainMs, afterGap: false })).toEqual({ granted: false, refusal: 'no-beat' });
      expect((await renew(l, gatewayId)).granted).toBe(true);
    },
    { what: 'the mark of the beat', in: 'estop.renew_lease', find: 'newest_beat IS NULL OR newest_beat <', put: 'newest_beat IS NOT NULL AND false AND newest_beat <' },
  );

  guarded(
    () => ledger,
    'a view holds what is in force, and what was reset for as long as an older token can live',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      const agent = await addAgent(l);
      const stopped = await stopAgent(l, agent);
      expect((await view(l, gatewayId)).stops).toContainEqual({ stopId: stopped.stopId, scopeKey: agentKey(agent.agentId), epoch: stopped.epoch, inForce: true, agents: [] });
      await confirmFence(l.as('estop_gateway'), gatewayId, stopped.epoch);
      expect(await fence(l, stopped.stopId)).toBe(true);
      await resetStop(l.as('estop_control'), { stopId: stopped.stopId, actor: 'olga', reason: 'over' });
      const after = await view(l, gatewayId);
      expect(after.stops).toContainEqual(expect.objectContaining({ stopId: stopped.stopId, inForce: false }));
      expect(after.epoch).toBe(stopped.epoch + 1);
      await l.sql(`UPDATE estop.stops SET reset_at = reset_at - interval '2 min' WHERE stop_id = $1`, [stopped.stopId]);
      expect((await view(l, gatewayId)).stops).not.toContainEqual(expect.objectContaining({ stopId: stopped.stopId }));
    },
    // rule: view-holds-reset-stops, retain-until-token-dead
    { what: 'reset stops in the view', in: 'estop.renew_lease', find: 's.reset_at IS NULL OR s.reset_at >', put: 's.reset_at IS NULL OR false AND s.reset_at >' },
  );

  guarded(
    () => ledger,
    'a stop is fenced once every gateway has confirmed its epoch',
    async (l) => {
      await alone(l);
      const [first, second] = [await addGateway(l), await addGateway(l)];
      await view(l, first);
      await view(l, second);
      const stopped = await stop(l, 'agent:fenced');
      expect(await fence(l, stopped.stopId)).toBe(false);
      await confirmFence(l.as('estop_gateway'), first, stopped.epoch);
      expect(await fence(l, stopped.stopId)).toBe(false);
      const waiting = (await stopProgress(l.as('estop_control'), stopped.stopId))?.gateways;
      expect(waiting).toEqual(expect.arrayContaining([expect.objectContaining({ gatewayId: first, outcome: 'confirmed' }), { gatewayId: second, outcome: 'waiting' }]));
      await confirmFence(l.as('estop_gateway'), second, stopped.epoch);
      expect(await fence(l, stopped.stopId)).toBe(true);
      expect((await stopProgress(l.as('estop_control'), stopped.stopId))?.stage).toBe('fenced');
    },
    { what: 'waiting for those that did not confirm', in: 'estop.report_fence', find: /IF EXISTS \(SELECT 1 FROM estop\.gateways g[\s\S]*?END IF;/, put: '' },
    { what: 'confirming that epoch and no older one', in: 'estop.report_fence', find: '(g.confirmed_epoch >= s.epoch OR (', put: '(g.confirmed_epoch >= 0 OR (' },
  );

  guarded(
    () => ledger,
    'a gateway cannot confirm an epoch that nobody has latched',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      expect(await confirmFence(l.as('estop_gateway'), gatewayId, 1_000_000)).toBe(false);
      const stopped = await stop(l, 'agent:early');
      expect(await fence(l, stopped.stopId)).toBe(false);
    },
    // rule: confirm-that-epoch
    { what: 'the bound of the newest epoch', in: 'estop.confirm_fence', find: 'AND p_epoch <= estop.current_epoch()', put: '' },
  );

  guarded(
    () => ledger,
    'a silent gateway counts as expired no sooner than first sight of the stop plus one lease',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      await lapse(l, gatewayId);
      const stopped = await stop(l, 'agent:silent');
      // The row says that its lease is over, but a renewal that read the stops before the latch may be on its way.
      expect(await fence(l, stopped.stopId)).toBe(false);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
      expect((await stopProgress(l.as('estop_control'), stopped.stopId))?.gateways).toEqual([expect.objectContaining({ gatewayId, outcome: 'expired' })]);
    },
    // rule: expired-not-before-commit-plus-lease
    { what: 'counting from first sight', in: 'estop.report_fence', find: 'AND clock_timestamp() >= p.seen_at + make_interval(secs => p_lease_ms / 1000.0)', put: '' },
  );

  guarded(
    () => ledger,
    'a gateway with a lease is never expired, however long ago the stop was',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const stopped = await stop(l, 'agent:alive');
      await fence(l, stopped.stopId);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(false);
    },
    { what: 'the lease in the row', in: 'estop.report_fence', find: 'g.lease_until < clock_timestamp() AND', put: '' },
  );

  it('a newcomer that registered after the report reads a view that holds the stop', async () => {
    await alone(ledger);
    const stopped = await stop(ledger, 'agent:newcomer');
    expect(await fence(ledger, stopped.stopId)).toBe(true);
    const gatewayId = await addGateway(ledger);
    expect((await view(ledger, gatewayId)).stops).toContainEqual(expect.objectContaining({ stopId: stopped.stopId, inForce: true }));
  });

  it('a newcomer that registered before the report is waited for', async () => {
    await alone(ledger);
    const stopped = await stop(ledger, 'agent:newcomer-2');
    const gatewayId = await addGateway(ledger);
    await view(ledger, gatewayId);
    expect(await fence(ledger, stopped.stopId)).toBe(false);
    await confirmFence(ledger.as('estop_gateway'), gatewayId, stopped.epoch);
    expect(await fence(ledger, stopped.stopId)).toBe(true);
  });

  guarded(
    () => ledger,
    'a retired gateway renews, confirms and admits nothing any more, and later stops do not wait for it',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      await view(l, gatewayId);
      await retireGateway(l.as('estop_gateway'), gatewayId);
      expect(await renew(l, gatewayId)).toEqual({ granted: false, refusal: 'retired' });
      const stopped = await stop(l, 'agent:later');
      expect(await confirmFence(l.as('estop_gateway'), gatewayId, stopped.epoch)).toBe(false);
      expect(await fence(l, stopped.stopId)).toBe(true);
      const decision = await admit(l.as('estop_gateway'), {
        callId: newId('call'), gatewayId, taskId: task.taskId, tokenEpoch: task.epoch, keys: task.keys, toolKey: 'tool:mail/send', digest: digestOf('x'), needsApproval: false,
      });
      expect(decision).toEqual({ kind: 'denied', reason: 'unknown-gateway' });
    },
    { what: 'the refusal to renew', in: 'estop.renew_lease', find: 'WHERE g.gateway_id = p_gateway_id AND g.retired_at IS NULL', put: 'WHERE g.gateway_id = p_gateway_id' },
    { what: 'ADMIT knowing its gateway', in: 'estop.admit', find: 'AND g.retired_at IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'a gateway that retired after the latch without confirming is still accounted for',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const stopped = await stop(l, 'agent:going');
      await retireGateway(l.as('estop_gateway'), gatewayId);
      expect(await fence(l, stopped.stopId)).toBe(false);
      await lapse(l, gatewayId);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
    },
    {
      what: 'waiting for it',
      in: 'estop.report_fence',
      find: /IF EXISTS \(SELECT 1 FROM estop\.gateways g\s+WHERE \(g\.retired_at IS NULL OR g\.retired_at > s\.latched_at\)/,
      put: 'IF EXISTS (SELECT 1 FROM estop.gateways g WHERE g.retired_at IS NULL',
    },
  );

  guarded(
    () => ledger,
    'retiring what lapsed long ago spares a gateway whose renewal is on its way',
    async (l) => {
      await alone(l);
      const [gone, renewing] = [await addGateway(l), await addGateway(l)];
      await lapse(l, gone);
      await lapse(l, renewing);
      const renewal = await l.session();
      await renewal.query('BEGIN');
      await renewal.query(`UPDATE estop.gateways SET lease_until = clock_timestamp() + interval '3 s' WHERE gateway_id = $1`, [renewing]);
      const name = newName('retire');
      const retiring = retireLapsedGateways(l.alone('estop_revoker', name), 500);
      await untilBlocked(l, name);
      await renewal.query('COMMIT');
      expect(await retiring).toBe(1);
      expect((await renew(l, renewing)).granted).toBe(true);
      expect((await renew(l, gone)).granted).toBe(false);
    },
    {
      what: 'looking at the row again after the wait',
      in: 'estop.retire_gateways',
      find: /WHERE g\.retired_at IS NULL AND \(g\.gateway_id = p_gateway_id\s+OR \(p_gateway_id IS NULL AND g\.lease_until/,
      put: `WHERE g.gateway_id IN (SELECT x.gateway_id FROM estop.gateways x WHERE x.retired_at IS NULL AND x.lease_until <
        clock_timestamp() - make_interval(secs => p_lapsed_ms / 1000.0)) AND (true OR (p_gateway_id IS NULL AND g.lease_until`,
    },
  );

  guarded(
    () => ledger,
    'unsettled calls of an expired gateway are reported possibly completed, and stay so',
    async (l) => {
      await alone(l);
      const gatewayId = await addGateway(l);
      await view(l, gatewayId);
      const [agent, other] = [await addAgent(l), await addAgent(l)];
      const calls = [];
      for (const task of [await startTask(l, agent), await startTask(l, other)]) {
        const callId = newId('call');
        calls.push(callId);
        await admit(l.as('estop_gateway'), { callId, gatewayId, taskId: task.taskId, tokenEpoch: task.epoch, keys: task.keys, toolKey: 'tool:mail/send', digest: digestOf('x'), needsApproval: false });
      }
      const stopped = await stopAgent(l, agent);
      await lapse(l, gatewayId);
      await fence(l, stopped.stopId);
      await seenLongAgo(l, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
      expect((await stopProgress(l.as('estop_control'), stopped.stopId))?.possiblyCompleted).toBe(1);
      expect(await settle(l.as('estop_gateway'), String(calls[0]), 'completed')).toBe(false);
      expect(await settle(l.as('estop_gateway'), String(calls[1]), 'completed')).toBe(true);
    },
    // rule: possibly-completed
    { what: 'settling them', in: 'estop.report_fence', find: /UPDATE estop\.calls c SET[\s\S]*?SKIP LOCKED\);/, put: '' },
    { what: 'settling only once', in: 'estop.settle', find: 'AND c.settled_at IS NULL', put: '' },
    { what: 'leaving others alone', in: 'estop.report_fence', find: 'x.settled_at IS NULL AND (x.keys @>', put: 'x.settled_at IS NULL AND (true OR x.keys @>' },
  );

  guarded(
    () => ledger,
    'an allow path that hangs with a row in its hands does not hold up the report',
    async (l) => {
      await alone(l);
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      await l.sql(
        `INSERT INTO estop.approvals (approval_id, task_id, agent_id, agents, keys, epoch, tool_key, digest, shown, requested_by, state, expires_at)
         SELECT $2, task_id, agent_id, agents, keys, epoch, 'tool:a/b', '\\x00', '', 'rita', 'approved', clock_timestamp() + interval '1 h' FROM estop.tasks WHERE task_id = $1`,
        [task.taskId, newId('appr')],
      );
      const stopped = await stopAgent(l, agent);
      const hung = await l.session();
      await hung.query('BEGIN');
      await hung.query('SELECT 1 FROM estop.approvals WHERE task_id = $1 FOR UPDATE', [task.taskId]);
      try {
        expect(await fence(l, stopped.stopId)).toBe(true);
      } finally {
        await hung.query('ROLLBACK');
      }
    },
    { what: 'skipping what is locked', in: 'estop.close_stale_approvals', find: 'FOR UPDATE SKIP LOCKED', put: 'FOR UPDATE', raises: /lock timeout/ },
  );

  it('a gateway after a gap is told when the intake was last read in full, and asks for it to be read', async () => {
    await alone(ledger);
    const revoker = ledger.as('estop_revoker');
    expect(await drainWanted(revoker)).toBe(false);
    const gatewayId = await addGateway(ledger);
    const first = await renew(ledger, gatewayId, { afterGap: true });
    expect(first).not.toHaveProperty('drainedAt');
    expect(await drainWanted(revoker)).toBe(true);
    const begun = await storeNow(revoker);
    await recordDrain(revoker, begun);
    expect(await drainWanted(revoker)).toBe(false);
    expect(await renew(ledger, gatewayId)).toMatchObject({ granted: true, drainedAt: begun });
  });

  it('a drain is never dated into the future, nor back', async () => {
    const revoker = ledger.as('estop_revoker');
    const now = await storeNow(revoker);
    await recordDrain(revoker, '2999-01-01T00:00:00Z');
    await recordDrain(revoker, '2001-01-01T00:00:00Z');
    const [row] = await ledger.sql(`SELECT begun_at > $1::timestamptz AND begun_at <= clock_timestamp() AS sound FROM estop.intake_drains`, [now]);
    expect(row?.['sound']).toBe(true);
  });

  it('a stop that nobody has seen, or that does not exist, is not fenced', async () => {
    const stopped = await stop(ledger, 'agent:unseen');
    expect(await reportFence(ledger.as('estop_revoker'), stopped.stopId, leaseMs)).toBe(false);
    await noteStopSeen(ledger.as('estop_revoker'), 'no such stop');
    expect(await reportFence(ledger.as('estop_revoker'), 'no such stop', leaseMs)).toBe(false);
  });

  it('a gateway can tell a store from another', async () => {
    const { storeId, environment } = await storeIdentity(ledger.as('estop_control'));
    const gatewayId = newId('gw');
    expect(await registerGateway(ledger.as('estop_gateway'), gatewayId, 'x')).toBe(storeId);
    expect((await view(ledger, gatewayId)).storeId).toBe(storeId);
    expect(environment).toBe('test');
    await expect(registerGateway(ledger.as('estop_gateway'), gatewayId, 'x')).rejects.toMatchObject({ code: 'conflict' });
  });
});
