import type { BreakerTrip } from '../contract/http/limits.ts';
import type { BreakerKind } from '../core/breaker.ts';
import { microcentsPerCent } from '../core/budget.ts';

/** The numbers that tripped a breaker: `12 calls, more than 10 in 60 s`. */
export function tripWords({ breaker, measured, most, withinMs }: BreakerTrip): string {
  if (breaker === 'trigger') return 'an alert held it';
  const seconds = Math.round(withinMs / 1_000);
  const [unit, size] = units[breaker];
  return `${Math.floor(measured / size)} ${unit}, more than ${Math.floor(most / size)} in ${seconds} s`;
}

const units: Readonly<Record<BreakerKind, readonly [unit: string, size: number]>> = {
  'call-rate': ['calls', 1],
  'error-rate': ['% failed', 1],
  'spend-slope': ['cents', microcentsPerCent],
  'repetition': ['times the same call', 1],
  'denied-rate': ['calls denied', 1],
  'over-budget': ['calls over budget', 1],
  'fan-out': ['tasks started', 1],
  'behaviour-drift': ['% unlike before', 1],
  'out-of-bounds': ['requests out of bounds', 1],
  'raised-risk': ['points of risk', 1],
};
