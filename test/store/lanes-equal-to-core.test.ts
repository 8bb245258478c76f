import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { type CauseLife, type LaneEvent, onLane, openLane } from '../../src/core/obligation.ts';
import { storeNow } from '../../src/store/installation.ts';
import { concludeObligation, markFinal, markRevoked, reopenObligation } from '../../src/store/lanes.ts';
import { acceptRisk, listObligations } from '../../src/store/obligations.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { sabotaged } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { stopped } from './stopped-agent.ts';

const verbs = [
  'cut',
  'cut',
  'proved',
  'proved',
  'expired',
  'residual',
  'reopen',
  'accept-risk',
  'last-probe',
  'last-probe',
  'last-probe',
] as const;

/** A round is a lane's own, or (seldom) another; a last probe began now, or some steps ago. */
const histories = fc.array(
  fc.record({
    verb: fc.constantFrom(...verbs),
    lane: fc.nat(2),
    otherRound: fc.constantFrom(0, 0, 0, 0, 1, -1),
    ago: fc.constantFrom(0, 0, 0, 1, 3),
  }),
  { minLength: 15, maxLength: 50, size: 'max' },
);

type Step = typeof histories extends fc.Arbitrary<(infer T)[]> ? T : never;

/**
 * Times: step i begins at the store's time t(i), so what happens in it happens at i + 0.5 of the core, and a probe that began with
 * step j began at j.
 */
function eventOf({ verb, ago }: Step, round: number, index: number): LaneEvent {
  switch (verb) {
    case 'cut':
      return { kind: 'cut', round, at: index + 0.5 };
    case 'proved':
    case 'expired':
    case 'residual':
      return { kind: 'conclude', round, state: verb, at: index + 0.5 };
    case 'reopen':
      return { kind: 'reopen', round };
    case 'accept-risk':
      return { kind: 'accept-risk' };
    case 'last-probe':
      return { kind: 'last-probe', round, begunAt: Math.max(0, index - ago) };
  }
}

async function inStore(l: Ledger, lane: string, event: LaneEvent, times: readonly string[]): Promise<boolean> {
  const revoker = l.as('estop_revoker');
  switch (event.kind) {
    case 'cut':
      return markRevoked(revoker, lane, event.round);
    case 'conclude':
      if (event.state === 'residual')
        return concludeObligation(revoker, lane, event.round, {
          kind: 'residual',
          until: '2030-01-01T00:00:00Z',
          why: '',
        });
      return concludeObligation(
        revoker,
        lane,
        event.round,
        event.state === 'expired' ? { kind: 'expired' } : { kind: 'proved', evidence: 'credential-probed' },
      );
    case 'reopen':
      return reopenObligation(revoker, lane, event.round, 'alive');
    case 'accept-risk':
      return acceptRisk(l.as('estop_control'), lane, 'olga', 'r');
    case 'last-probe':
      return (
        (await markFinal(revoker, [
          { obligationId: lane, round: event.round, begunAt: times[event.begunAt] ?? '' },
        ])) === 1
      );
  }
}

onEveryPostgres('lanes in the store and in the core', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  const agree = async (numRuns: number): Promise<void> => {
    const property = fc.asyncProperty(histories, async (steps) => {
      const { stopId, lanes } = await stopped(ledger, 3);
      let cause: CauseLife = { lastProbe: true, lanes: lanes.map(openLane) };
      const times: string[] = [];
      for (const [index, step] of steps.entries()) {
        times.push(await storeNow(ledger.as('estop_revoker')));
        const lane = cause.lanes[step.lane];
        if (lane === undefined) throw new Error('there are three lanes');
        const event = eventOf(step, lane.round + step.otherRound, index);
        const core = onLane(cause, lane.laneId, event);
        cause = core.cause;
        expect({ index, event, taken: await inStore(ledger, lane.laneId, event, times) }).toEqual({
          index,
          event,
          taken: core.taken,
        });
        const rows = (await listObligations(ledger.as('estop_revoker'), { causeId: stopId })).items;
        const seen = rows.map((row) => ({
          laneId: row.obligationId,
          state: row.state,
          round: row.round,
          final: row.finalAt !== undefined,
        }));
        const wanted = cause.lanes.map(({ laneId, state, round, final }) => ({ laneId, state, round, final }));
        const byId = (a: { readonly laneId: string }, b: { readonly laneId: string }): number =>
          a.laneId.localeCompare(b.laneId);
        expect({ index, lanes: seen.toSorted(byId) }).toEqual({ index, lanes: wanted.toSorted(byId) });
      }
    });
    await fc.assert(property, { numRuns, endOnFailure: true });
  };

  it('become final at the same moment, in any history', () => agree(25), 120_000);

  it.each([
    { what: 'the last cut', in: 'estop.mark_final', find: 'AND p_begun_at[n] > last_cut', put: '' },
    {
      what: 'the others',
      in: 'estop.mark_final',
      find: /IF EXISTS[^;]*x\.final_probed_at IS NULL\) THEN RETURN taken; END IF;/,
      put: '',
    },
    { what: 'the round', in: 'estop.conclude_obligation', find: 'AND o.round = p_round', put: '' },
  ])(
    'differ when the store forgets $what',
    async (sabotage) => {
      await sabotaged(ledger, sabotage, async () => {
        await expect(agree(1_500)).rejects.toThrow(/Property failed/);
      });
    },
    120_000,
  );
});
