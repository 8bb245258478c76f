/**
 * In which order a person should look at what runs. A score that cannot be explained is not believed at three in the morning, so each
 * point comes with the words for it. Judging an agent is the breakers' affair; this only sorts.
 */
import type { BreakerAction } from './breaker.ts';

/** What one agent did within the last minutes, and what about it waits or has tripped. */
export interface RunningFacts {
  readonly calls: number;
  readonly denied: number;
  readonly errors: number;
  readonly microcents: number;
  readonly pendingApprovals: number;
  readonly trips: readonly BreakerAction[];
  /** How long its oldest open task has run. */
  readonly oldestMs: number;
}

export type RiskWord = 'breaker' | 'spend' | 'rate' | 'denied' | 'errors' | 'approval' | 'old';

export interface Risk {
  readonly score: number;
  /** The heaviest first; empty where nothing stands out. */
  readonly because: readonly RiskWord[];
}

const actionPoints: Readonly<Record<BreakerAction, number>> = { shadow: 0, warn: 40, hold: 60, stop: 80 };
const hourMs = 3_600_000;

/** Each tenfold more is one step: what grows without bound must not hide everything else. */
const steps = (amount: number, from: number): number => (amount < from ? 0 : 1 + Math.log10(amount / from));

export function riskOf(facts: RunningFacts): Risk {
  const points: readonly (readonly [RiskWord, number])[] = [
    ['breaker', Math.max(0, ...facts.trips.map((action) => actionPoints[action]))],
    ['spend', 12 * steps(facts.microcents, 10_000_000)],
    ['rate', 8 * steps(facts.calls, 50)],
    ['denied', 10 * steps(facts.denied, 3)],
    ['errors', 5 * steps(facts.errors, 5)],
    ['approval', 4 * steps(facts.pendingApprovals, 1)],
    ['old', facts.oldestMs < 8 * hourMs ? 0 : 3],
  ];
  const heavy = points.filter(([, weight]) => weight > 0).toSorted(([, one], [, other]) => other - one);
  return {
    score: Math.round(heavy.reduce((sum, [, weight]) => sum + weight, 0)),
    because: heavy.map(([word]) => word),
  };
}
