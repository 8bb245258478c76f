import type { BreakerKind } from '../core/breaker.ts';
import { microcentsPerCent } from '../core/budget.ts';
import { plural } from './plural.ts';

interface Trip {
  /** What somebody else wrote down may name a breaker that is none. */
  readonly breaker: string;
  readonly measured: number;
  readonly most: number;
  readonly withinMs: number;
}

/** The numbers that tripped a breaker: `12 calls, more than 10 in 60 s`. */
export function tripWords({ breaker, measured, most, withinMs }: Trip): string {
  if (breaker === 'trigger') return 'an alert held it';
  return `${amountWords(breaker, measured)}, more than ${Math.floor(most / sizeOf(breaker))} in ${Math.round(withinMs / 1_000)} s`;
}

/** What a breaker counts, in the unit that it counts in: `10 calls`. */
export const amountWords = (breaker: string, amount: number): string => {
  const words = isKind(breaker) ? units[breaker] : (count: number) => String(count);
  return words(Math.floor(amount / sizeOf(breaker)));
};

/** Money is counted in millionths of a cent, and said in cents. */
const sizeOf = (breaker: string): number => (breaker === 'spend-slope' ? microcentsPerCent : 1);

const isKind = (breaker: string): breaker is BreakerKind => Object.hasOwn(units, breaker);

const units: Readonly<Record<BreakerKind, (count: number) => string>> = {
  'call-rate': (count) => plural(count, 'call'),
  'error-rate': (count) => `${count} % failed`,
  'spend-slope': (count) => plural(count, 'cent'),
  'repetition': (count) => `${plural(count, 'time')} the same call`,
  'denied-rate': (count) => `${plural(count, 'call')} denied`,
  'over-budget': (count) => `${plural(count, 'call')} over budget`,
  'fan-out': (count) => `${plural(count, 'task')} started`,
  'behaviour-drift': (count) => `${count} % unlike before`,
  'out-of-bounds': (count) => `${plural(count, 'request')} out of bounds`,
  'raised-risk': (count) => `${plural(count, 'point')} of risk`,
};
