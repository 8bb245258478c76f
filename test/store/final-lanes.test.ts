import { beforeAll, describe, expect, it } from 'vitest';
import { finalPhase } from '../../src/contract/phases.ts';
import { listOpenLanes } from '../../src/store/lane-record.ts';
import { beginPhase, markFinal, reopenObligation } from '../../src/store/lanes.ts';
import { finalLanes } from '../../src/store/obligations.ts';
import { createDatabase } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { cutAndProve, isFinal, stopped } from './stopped-agent.ts';

describe('the lanes that owe their last probe', () => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createDatabase);
  });
  const provedAt = async (connectors: readonly string[]) => {
    const scene = await stopped(ledger, connectors);
    for (const lane of scene.lanes) await cutAndProve(ledger, lane);
    const page = async (limit: number) => finalLanes(ledger.as('estop_revoker'), scene.stopId, limit);
    return { ...scene, page };
  };
  const begin = async (obligationId: string, round = 0): Promise<string> => {
    const begun = await beginPhase(ledger.as('estop_revoker'), { obligationId, phase: finalPhase, round });
    return begun.kind === 'begun' ? begun.begunAt : '';
  };

  it('are of every system, however many there are of one that nobody serves', async () => {
    const { page } = await provedAt([
      ...Array<string>(8).fill('unserved'),
      'quick',
      ...Array<string>(8).fill('unserved'),
    ]);
    expect((await page(2)).map(({ connector }) => connector).sort()).toEqual(['quick', 'unserved']);
  });

  it('are first those that nobody has asked yet, last those that were asked and have not answered', async () => {
    const { lanes, page } = await provedAt(Array<string>(9).fill('one'));
    const [hanging, answered] = [lanes.slice(0, 3), lanes.slice(3, 6)];
    for (const lane of hanging) await begin(lane);
    for (const obligationId of answered)
      await markFinal(ledger.as('estop_revoker'), [{ obligationId, round: 0, begunAt: await begin(obligationId) }]);
    expect((await page(3)).map(({ obligationId }) => obligationId).sort()).toEqual(lanes.slice(6).toSorted());
    // One of them is cut again: all have to be asked once more, and what hangs is no reason for the others to wait.
    await ledger.sql('UPDATE estop.obligations SET revoked_at = clock_timestamp() WHERE obligation_id = $1', [
      lanes[8],
    ]);
    const order = (await page(9)).map(({ obligationId }) => obligationId);
    expect(order.slice(6).sort()).toEqual(hanging.toSorted());
  });

  guarded(
    () => ledger,
    'of many last probes at once each counts by itself, and only for its own cause',
    async (l) => {
      const { lanes } = await stopped(l, 4);
      const { lanes: others } = await stopped(l, 1);
      const revoker = l.as('estop_revoker');
      const [early, behind, fresh, unasked] = lanes.map(String);
      const foreign = String(others[0]);
      const probe = async (obligationId = '', round = 0) => ({
        obligationId,
        round,
        begunAt: await begin(obligationId, round),
      });
      const tooEarly = await probe(early);
      for (const lane of [...lanes, foreign]) await cutAndProve(l, lane);
      const probes = [await probe(fresh), tooEarly, await probe(behind, 1), await probe(foreign)];
      expect(await markFinal(revoker, probes)).toBe(1);
      expect(await Promise.all([...lanes, foreign].map((lane) => isFinal(l, lane)))).toEqual(Array(5).fill(false));
      expect(await markFinal(revoker, await Promise.all([early, behind, unasked].map((lane) => probe(lane))))).toBe(3);
      expect(await Promise.all(lanes.map((lane) => isFinal(l, lane)))).toEqual(Array(4).fill(true));
      expect(await isFinal(l, foreign)).toBe(false);
    },
    { what: 'the round of a last probe', in: 'estop.mark_final', find: 'AND o.round = p_rounds[n]', put: '' },
    { what: 'the cause of a last probe', in: 'estop.mark_final', find: 'AND (o.cause_id = cause) IS TRUE', put: '' },
  );

  it('are seen by a short look when they were opened again, until somebody begins with them', async () => {
    const { agent, stopId, lanes } = await provedAt(['one', 'one']);
    const store = ledger.as('estop_revoker');
    const shortLook = { causeId: stopId, agentId: agent.agentId, after: '', limit: 10, openedWithinMs: 0 };
    const seen = async () => (await listOpenLanes(store, shortLook)).map(({ obligationId }) => obligationId);
    expect(await seen()).toEqual([]);
    const lane = String(lanes[0]);
    await reopenObligation(store, lane, 0, 'found alive');
    expect(await seen()).toEqual([lane]);
    await beginPhase(store, { obligationId: lane, phase: 'revoke-credential', round: 1 });
    expect(await seen()).toEqual([]);
  });
});
