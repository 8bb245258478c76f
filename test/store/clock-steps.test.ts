import { beforeAll, expect, it } from 'vitest';
import { drainWanted, noteStopSeen, recordDrain, reportFence } from '../../src/store/fence.ts';
import { renewLease, retireLapsedGateways } from '../../src/store/gateways.ts';
import { storeNow } from '../../src/store/installation.ts';
import { ledgerFigures } from '../../src/store/ledger-figures.ts';
import { storeFacts } from '../../src/store/store-facts.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { addGateway, leaseMs, onlyThese, renew, retainMs } from './gateway.ts';
import { guarded } from './guarded.ts';
import { fence, keepBeating, type Ledger, makeLedger, stop } from './ledger.ts';

/** What an old primary left behind whose clock was ahead: every time in it is of the future. */
onEveryPostgres(
  'a store whose clock went back (a failover to a machine that is behind, a step of the time server)',
  (createOn) => {
    let ledger: Ledger;
    beforeAll(async () => {
      ledger = await makeLedger(createOn);
    });

    guarded(
      () => ledger,
      'renews no lease on a mark that the latch left in the future',
      async (l) => {
        const gatewayId = await addGateway(l);
        await keepBeating(l);
        await l.sql(`UPDATE estop.latch_marks SET beat_at = clock_timestamp() + interval '30 s'`);
        const store = l.as('estop_gateway');
        expect(await renewLease(store, { gatewayId, leaseMs, retainMs, afterGap: false })).toEqual({
          granted: false,
          refusal: 'no-beat',
        });
      },
      { what: 'marks of the future', in: 'estop.renew_lease', find: 'WHERE m.beat_at <= begun', put: '' },
    );

    guarded(
      () => ledger,
      'ends no gap with a reading of the intake that is of the future, and reads it anew',
      async (l) => {
        const gatewayId = await addGateway(l);
        const revoker = l.as('estop_revoker');
        await recordDrain(revoker, await storeNow(revoker));
        await l.sql(`UPDATE estop.intake_drains SET begun_at = clock_timestamp() + interval '200 ms'`);
        await keepBeating(l);
        const renewal = { gatewayId, leaseMs, retainMs, afterGap: true };
        const first = await renewLease(l.as('estop_gateway'), renewal);
        expect(first).not.toHaveProperty('drainedAt');
        expect(await drainWanted(revoker)).toBe(true);
        // The clock catches up with that old reading: it is still from before the gap.
        await l.sql('SELECT pg_sleep(0.25)');
        expect(await renewLease(l.as('estop_gateway'), renewal)).not.toHaveProperty('drainedAt');
        await recordDrain(revoker, await storeNow(revoker));
        expect(await renewLease(l.as('estop_gateway'), renewal)).toHaveProperty('drainedAt');
      },
      {
        what: 'readings of the future',
        in: 'estop.renew_lease',
        find: 'WHERE d.begun_at > clock_timestamp()',
        put: 'WHERE false',
      },
    );

    guarded(
      () => ledger,
      'does not record a reading of the intake that began before its clock went back',
      async (l) => {
        const gatewayId = await addGateway(l);
        const revoker = l.as('estop_revoker');
        await l.sql('DELETE FROM estop.intake_drains');
        await keepBeating(l);
        const [row] = await l.sql(`SELECT (clock_timestamp() + interval '30 s')::text AS begun`);
        const renewal = { gatewayId, leaseMs, retainMs, afterGap: true };
        await renewLease(l.as('estop_gateway'), renewal);
        await recordDrain(revoker, String(row?.['begun']));
        expect(await renewLease(l.as('estop_gateway'), renewal)).not.toHaveProperty('drainedAt');
        expect(await drainWanted(revoker)).toBe(true);
      },
      {
        what: 'the refusal of the future',
        in: 'estop.record_drain',
        find: 'SELECT p_begun_at WHERE p_begun_at <= clock_timestamp()',
        put: 'SELECT least(p_begun_at, clock_timestamp())',
      },
    );

    guarded(
      () => ledger,
      'waits one lease for a gateway that died with one of the future, no more and no less',
      async (l) => {
        for (const [leaseBy, seenBy] of [
          ['10 min', '-1 min'],
          ['-1 min', '10 min'],
        ]) {
          await onlyThese(l);
          await renew(l, await addGateway(l));
          const { stopId } = await stop(l, 'agent:any');
          await noteStopSeen(l.as('estop_revoker'), stopId);
          await l.sql('UPDATE estop.gateways SET lease_until = lease_until + $1::interval', [leaseBy]);
          await l.sql('UPDATE estop.stop_progress SET seen_at = seen_at + $2::interval WHERE stop_id = $1', [
            stopId,
            seenBy,
          ]);
          const report = () => reportFence(l.as('estop_revoker'), stopId, 400);
          expect(await report()).toBe(false);
          await l.sql('SELECT pg_sleep(0.2)');
          expect(await report()).toBe(false);
          await l.sql('SELECT pg_sleep(0.3)');
          expect(await report()).toBe(true);
        }
      },
      {
        what: 'the end of a lease of the future',
        in: 'estop.report_fence',
        find: /WHERE g\.lease_until > clock_timestamp\(\) \+ [^;]+;/,
        put: 'WHERE false;',
      },
      {
        what: 'the sight of a stop in the future',
        in: 'estop.report_fence',
        find: 'AND g.seen_at > clock_timestamp()',
        put: 'AND false',
      },
      {
        what: 'one lease from now',
        in: 'estop.report_fence',
        find: /SET lease_until = clock_timestamp\(\) \+ [^\n]+\n/,
        put: 'SET lease_until = clock_timestamp()\n',
      },
    );

    it('says of a latch and of an intake that nobody has looked at since, that nobody has', async () => {
      await keepBeating(ledger);
      await recordDrain(ledger.as('estop_revoker'), await storeNow(ledger.as('estop_revoker')));
      await ledger.sql(`UPDATE estop.latch_marks SET beat_at = clock_timestamp() + interval '10 min'`);
      await ledger.sql(`UPDATE estop.intake_drains SET begun_at = clock_timestamp() + interval '10 min'`);
      const { beatAgeMs, drainAgeMs } = await storeFacts(ledger.as('estop_control'));
      const { beatSeconds, drainSeconds } = await ledgerFigures(ledger.as('estop_revoker'));
      for (const age of [beatAgeMs, drainAgeMs, beatSeconds, drainSeconds]) expect(age).toBeGreaterThan(600_000);
    });
  },
);

/** To it every lease ended long ago, also those that gateways still hold. */
onEveryPostgres('a store whose clock stepped forward', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });
  const stepForward = (l: Ledger) =>
    l.sql(
      `UPDATE estop.gateways SET lease_until = lease_until - interval '10 min', lapse_seen_at = lapse_seen_at - interval '10 min'`,
    );

  guarded(
    () => ledger,
    'retires no gateway whose lease was alive a moment ago, so that a stop still waits for it',
    async (l) => {
      await onlyThese(l);
      const gatewayId = await addGateway(l);
      await renew(l, gatewayId);
      expect(await retireLapsedGateways(l.as('estop_revoker'), 60_000)).toBe(0);
      await stepForward(l);
      expect(await retireLapsedGateways(l.as('estop_revoker'), 60_000)).toBe(0);
      const stopped = await stop(l, 'agent:any');
      expect(await fence(l, stopped.stopId)).toBe(false);
      // Its next renewal is granted, and what was noted of it is forgotten.
      expect((await renew(l, gatewayId)).granted).toBe(true);
      await stepForward(l);
      expect(await retireLapsedGateways(l.as('estop_revoker'), 60_000)).toBe(0);
      // Left alone it is retired in the end.
      await stepForward(l);
      expect(await retireLapsedGateways(l.as('estop_revoker'), 60_000)).toBe(1);
    },
    {
      what: 'seeing it lapsed twice',
      in: 'estop.retire_gateways',
      find: 'AND g.lapse_seen_at <',
      put: 'AND g.lease_until <',
    },
    { what: 'forgetting it with the renewal', in: 'estop.renew_lease', find: ', lapse_seen_at = NULL', put: '' },
  );
});
