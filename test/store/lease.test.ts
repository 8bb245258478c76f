import { beforeAll, expect, it } from 'vitest';
import { oneCall } from '../../src/core/budget.ts';
import { agentKey } from '../../src/core/scope-key.ts';
import { admit } from '../../src/store/calls.ts';
import { drainWanted, recordDrain } from '../../src/store/fence.ts';
import {
  confirmFence,
  registerGateway,
  renewLease,
  retireGateway,
  retireLapsedGateways,
} from '../../src/store/gateways.ts';
import { storeIdentity, storeNow } from '../../src/store/installation.ts';
import { resetStop } from '../../src/store/stops.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { terms } from './calls.ts';
import { addGateway, lapse, leaseMs, onlyThese, renew, retainMs, view } from './gateway.ts';
import { guarded } from './guarded.ts';
import { heldUpBeat } from './held-up-beat.ts';
import {
  addAgent,
  digestOf,
  fence,
  keepBeating,
  type Ledger,
  makeLedger,
  newId,
  newName,
  startTask,
  stop,
  stopAgent,
} from './ledger.ts';
import { untilBlocked } from './waiting.ts';

onEveryPostgres("a gateway's lease", (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'no lease is renewed when nobody exercised the latch within it',
    async (l) => {
      const gatewayId = await addGateway(l);
      await l.sql(`UPDATE estop.latch_marks SET beat_at = clock_timestamp() - interval '3.1 s'`);
      const store = l.as('estop_gateway');
      expect(await renewLease(store, { gatewayId, leaseMs, retainMs, afterGap: false })).toEqual({
        granted: false,
        refusal: 'no-beat',
      });
      await l.sql('DELETE FROM estop.latch_marks');
      expect(await renewLease(store, { gatewayId, leaseMs, retainMs, afterGap: false })).toEqual({
        granted: false,
        refusal: 'no-beat',
      });
      expect((await renew(l, gatewayId)).granted).toBe(true);
    },
    {
      what: 'the mark of the beat',
      in: 'estop.renew_lease',
      find: 'newest_beat IS NULL OR newest_beat <=',
      put: 'newest_beat IS NOT NULL AND false AND newest_beat <=',
    },
  );

  guarded(
    () => ledger,
    'a renewal says how old the mark is that it stands on, and waiting for the row of its gateway makes it no younger',
    async (l) => {
      const gatewayId = await addGateway(l);
      await keepBeating(l);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.gateways WHERE gateway_id = $1 FOR UPDATE', [gatewayId]);
      const name = newName('renewal');
      await l.sql(`UPDATE estop.latch_marks SET beat_at = clock_timestamp() - interval '1.5 s'`);
      const renewing = renewLease(l.alone('estop_gateway', name), { gatewayId, leaseMs, retainMs, afterGap: false });
      await untilBlocked(l, name);
      await keepBeating(l);
      await holder.query('COMMIT');
      const renewal = await renewing;
      if (!renewal.granted) throw new Error(renewal.refusal);
      expect(renewal.markAgeMs).toBeGreaterThanOrEqual(1_500);
      expect(renewal.markAgeMs).toBeLessThan(leaseMs);
    },
    {
      what: 'the age of the mark',
      in: 'estop.renew_lease',
      find: 'ceil(extract(epoch FROM begun - newest_beat) * 1000)',
      put: 'ceil(0)',
    },
  );

  guarded(
    () => ledger,
    'a mark is as old as the beginning of its beat, however long the beat waited for the lock of the latch',
    async (l) => {
      const held = await heldUpBeat(l);
      expect(held.isBlocked).toBe(true);
      const [blocked] = await l.sql('SELECT clock_timestamp()::text AS at');
      await held.release();
      await held.beating;
      const [mark] = await l.sql(
        'SELECT beat_at < $1::timestamptz AS before FROM estop.latch_marks WHERE process = $2',
        [blocked?.['at'], held.process],
      );
      expect(mark).toEqual({ before: true });
    },
    // rule: beat. Whoever sent it may have died meanwhile.
    {
      what: 'dating the mark from the beginning',
      in: 'estop.latch',
      find: "coalesce(p_actor, 'unnamed'), begun",
      put: "coalesce(p_actor, 'unnamed'), clock_timestamp()",
    },
  );

  guarded(
    () => ledger,
    'a view holds what is in force, and what was reset for as long as an older token can live',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      const agent = await addAgent(l);
      const stopped = await stopAgent(l, agent);
      expect((await view(l, gatewayId)).stops).toContainEqual({
        stopId: stopped.stopId,
        scopeKey: agentKey(agent.agentId),
        epoch: stopped.epoch,
        inForce: true,
        agents: [],
      });
      await confirmFence(l.as('estop_gateway'), gatewayId, stopped.epoch, stopped.stopId);
      expect(await fence(l, stopped.stopId)).toBe(true);
      await resetStop(l.as('estop_control'), { stopId: stopped.stopId, actor: 'olga', reason: 'over' });
      const after = await view(l, gatewayId);
      expect(after.stops).toContainEqual(expect.objectContaining({ stopId: stopped.stopId, inForce: false }));
      expect(after.epoch).toBe(stopped.epoch + 1);
      await l.sql(`UPDATE estop.stops SET reset_at = reset_at - interval '2 min' WHERE stop_id = $1`, [stopped.stopId]);
      expect((await view(l, gatewayId)).stops).not.toContainEqual(expect.objectContaining({ stopId: stopped.stopId }));
    },
    // rule: view-holds-reset-stops, retain-until-token-dead
    {
      what: 'reset stops in the view',
      in: 'estop.renew_lease',
      find: 's.reset_at IS NULL OR s.reset_at >',
      put: 's.reset_at IS NULL OR false AND s.reset_at >',
    },
  );

  guarded(
    () => ledger,
    'a retired gateway renews, confirms and admits nothing any more, and later stops do not wait for it',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      await view(l, gatewayId);
      await retireGateway(l.as('estop_gateway'), gatewayId);
      expect(await renew(l, gatewayId)).toEqual({ granted: false, refusal: 'retired' });
      const stopped = await stop(l, 'agent:later');
      expect(await confirmFence(l.as('estop_gateway'), gatewayId, stopped.epoch, stopped.stopId)).toBe(false);
      expect(await fence(l, stopped.stopId)).toBe(true);
      const decision = await admit(l.as('estop_gateway'), {
        callId: newId('call'),
        gatewayId,
        taskId: task.taskId,
        tokenEpoch: task.epoch,
        keys: task.keys,
        toolKey: 'tool:mail/send',
        digest: digestOf('x'),
        needsApproval: false,
        worst: oneCall,
        ...terms,
      });
      expect(decision).toEqual({ kind: 'denied', reason: 'unknown-gateway' });
    },
    {
      what: 'the refusal to renew',
      in: 'estop.renew_lease',
      find: 'WHERE g.gateway_id = p_gateway_id AND g.retired_at IS NULL',
      put: 'WHERE g.gateway_id = p_gateway_id',
    },
    { what: 'ADMIT knowing its gateway', in: 'estop.record_call', find: 'AND g.retired_at IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'retiring what lapsed long ago spares a gateway whose renewal is on its way',
    async (l) => {
      await onlyThese(l);
      const [gone, renewing] = [await addGateway(l), await addGateway(l)];
      await lapse(l, gone);
      await lapse(l, renewing);
      await l.sql(`UPDATE estop.gateways SET lapse_seen_at = clock_timestamp() - interval '1 s'`);
      const renewal = await l.session();
      await renewal.query('BEGIN');
      await renewal.query(
        `UPDATE estop.gateways SET lease_until = clock_timestamp() + interval '3 s' WHERE gateway_id = $1`,
        [renewing],
      );
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
      find: /WHERE g\.retired_at IS NULL AND \(g\.gateway_id = p_gateway_id OR \(p_gateway_id IS NULL AND g\.lease_until < clock_timestamp\(\)/,
      put: `WHERE g.gateway_id IN (SELECT x.gateway_id FROM estop.gateways x WHERE x.retired_at IS NULL AND x.lease_until <
        clock_timestamp()) AND (true OR (p_gateway_id IS NULL AND true`,
    },
  );

  it('a gateway after a gap is told when the intake was last read in full, and asks for it to be read', async () => {
    await onlyThese(ledger);
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
    for (const begun of [now, '2999-01-01T00:00:00Z', '2001-01-01T00:00:00Z']) await recordDrain(revoker, begun);
    expect(await ledger.sql('SELECT begun_at FROM estop.intake_drains')).toEqual([{ begun_at: now }]);
  });

  it('a gateway can tell a store from another', async () => {
    const { storeId, environment } = await storeIdentity(ledger.as('estop_control'));
    const gatewayId = newId('gw');
    expect(await registerGateway(ledger.as('estop_gateway'), gatewayId, 'x')).toBe(storeId);
    expect((await view(ledger, gatewayId)).storeId).toBe(storeId);
    expect(environment).toBe('test');
    await expect(registerGateway(ledger.as('estop_gateway'), gatewayId, 'x')).rejects.toMatchObject({
      code: 'conflict',
    });
  });
});
