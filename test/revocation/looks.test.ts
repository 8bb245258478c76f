import { describe, expect, it } from 'vitest';
import type { StopReview } from '../../src/contract/activities.ts';
import { firstPauseMs, nextLook } from '../../src/workflows/stop-looks.ts';

const underWay: StopReview = { halted: true, revoked: false, sweepsDone: 2, finalLanes: [], proved: false, waitMs: 0 };
const lane = { obligationId: 'o', connector: 'c', target: 't', phases: [], settleMs: 0, attemptMs: 1, round: 0 };

describe('how often a stop that is under way asks the ledger', () => {
  const longHung = (): number => {
    let pauseMs = firstPauseMs;
    for (let look = 0; look < 40; look += 1) pauseMs = nextLook(underWay, pauseMs).pauseMs;
    return pauseMs;
  };

  it('is ever more seldom while a system hangs, and no more seldom than every ten seconds', () => {
    const second = nextLook(underWay, firstPauseMs).pauseMs;
    expect(second).toBeGreaterThan(firstPauseMs);
    expect(nextLook(underWay, longHung())).toEqual({ inMs: 10_000, pauseMs: 10_000 });
  });

  it('is once more when what was cut last has settled, however long that system had hung', () => {
    expect(nextLook({ ...underWay, revoked: true, waitMs: 1_900 }, longHung()).inMs).toBe(1_900);
  });

  it('is often again as soon as the last probes are made', () => {
    const next = nextLook({ ...underWay, revoked: true, finalLanes: [lane] }, longHung());
    expect(next.inMs).toBe(firstPauseMs);
    expect(next.pauseMs).toBeLessThan(2 * firstPauseMs);
  });

  it('is seldom while only the second sweep is to come', () => {
    expect(nextLook({ ...underWay, revoked: true, sweepsDone: 1 }, firstPauseMs).inMs).toBe(2_500);
  });
});
