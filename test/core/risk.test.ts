import { describe, expect, it } from 'vitest';
import { type RunningFacts, riskOf } from '../../src/core/risk.ts';

const calm: RunningFacts = {
  calls: 0,
  denied: 0,
  errors: 0,
  microcents: 0,
  pendingApprovals: 0,
  trips: [],
  oldestMs: 0,
};

describe('the order in which people look at agents', () => {
  it('is nothing for an agent that does nothing', () => {
    expect(riskOf(calm)).toEqual({ score: 0, because: [] });
  });

  it('puts a breaker that stopped something before any number, and shadows nowhere', () => {
    const wild = { ...calm, calls: 100_000, denied: 1_000, microcents: 1e9 };
    expect(riskOf({ ...calm, trips: ['stop'] }).score).toBeGreaterThan(riskOf({ ...calm, microcents: 1e11 }).score);
    expect(riskOf({ ...calm, trips: ['shadow'] })).toEqual({ score: 0, because: [] });
    expect(riskOf(wild).because).toEqual(['spend', 'denied', 'rate']);
  });

  it.each(['calls', 'denied', 'errors', 'microcents', 'pendingApprovals', 'oldestMs'] as const)(
    'never falls when %s grows',
    (name) => {
      const scores = [0, 1, 10, 1e3, 1e5, 1e7, 1e9, 1e12].map((amount) => riskOf({ ...calm, [name]: amount }).score);
      expect(scores).toEqual(scores.toSorted((one, other) => one - other));
      expect(scores.at(-1)).toBeGreaterThan(0);
    },
  );
});
