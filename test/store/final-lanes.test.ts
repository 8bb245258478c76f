import { beforeAll, describe, expect, it } from 'vitest';
import { finalPhase } from '../../src/contract/phases.ts';
import { beginPhase, markFinal } from '../../src/store/lanes.ts';
import { finalLanes } from '../../src/store/obligations.ts';
import { createDatabase } from '../kit/postgres.ts';
import { type Ledger, makeLedger } from './ledger.ts';
import { cutAndProve, stopped } from './stopped-agent.ts';

describe('the lanes that owe their last probe, a page at a time', () => {
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
  const begin = async (lane: string): Promise<string> => {
    const begun = await beginPhase(ledger.as('estop_revoker'), { obligationId: lane, phase: finalPhase, round: 0 });
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
    for (const lane of answered) await markFinal(ledger.as('estop_revoker'), lane, 0, await begin(lane));
    expect((await page(3)).map(({ obligationId }) => obligationId).sort()).toEqual(lanes.slice(6).toSorted());
    // One of them is cut again: all have to be asked once more, and what hangs is no reason for the others to wait.
    await ledger.sql('UPDATE estop.obligations SET revoked_at = clock_timestamp() WHERE obligation_id = $1', [
      lanes[8],
    ]);
    const order = (await page(9)).map(({ obligationId }) => obligationId);
    expect(order.slice(6).sort()).toEqual(hanging.toSorted());
  });
});
