/**
 * Breakers, as pure rules: a budget is an absolute cap, a breaker looks for a pattern in what one agent did within a window. Counting
 * is the gateways' and the store's; judging is here, and what a trip does is the relay's, through holds and stops as anybody's.
 */

export const breakerKinds = [
  'call-rate',
  'error-rate',
  'spend-slope',
  'repetition',
  'denied-rate',
  'over-budget',
  'fan-out',
  'behaviour-drift',
  'out-of-bounds',
  'raised-risk',
] as const;
export type BreakerKind = (typeof breakerKinds)[number];

/** What a trip may have come from: a pattern, or an alert from outside that held the agent. */
export const tripCauses = [...breakerKinds, 'trigger'] as const;
export type TripCause = (typeof tripCauses)[number];

/** From quiet to loud. `shadow` only writes down, `warn` tells people, `hold` and `stop` act. */
export const breakerActions = ['shadow', 'warn', 'hold', 'stop'] as const;
export type BreakerAction = (typeof breakerActions)[number];

export interface BreakerRule {
  readonly breaker: BreakerKind;
  readonly action: BreakerAction;
  /** More than this trips it: calls, per cent, microcents, points; see `measure`. */
  readonly most: number;
  /** Shares of fewer calls than this mean nothing. */
  readonly atLeast: number;
  readonly withinMs: number;
}

/** What one agent did within one window, in all gateways together. */
export interface Conduct {
  /** Admitted and sent. */
  readonly calls: number;
  /** Of those: refused by the server, answered as an error, lost. */
  readonly errors: number;
  /** Refused here: not available, invalid, against policy, over budget. */
  readonly denied: number;
  /** Of those: something that its configuration does not give it at all. */
  readonly beyond: number;
  readonly overBudget: number;
  readonly microcents: number;
  /** Points by the tier of what it called and by what was refused. */
  readonly risk: number;
  /** How often the very same call was made, of the one made most often. */
  readonly repeated: number;
  /** Tasks that its tasks started. */
  readonly children: number;
  /** Calls by tool, in this window and in all the time before it. */
  readonly tools: readonly ToolUse[];
}

export interface ToolUse {
  readonly now: number;
  readonly before: number;
}

export interface Measure {
  readonly measured: number;
  /** On how many calls it rests. */
  readonly sample: number;
}

export type BreakerVerdict = Measure & { readonly kind: 'quiet' | 'over' };

export function judge(rule: BreakerRule, conduct: Conduct): BreakerVerdict {
  const measure = measureOf(rule.breaker, conduct);
  const isOver = measure.sample >= rule.atLeast && measure.measured > rule.most;
  return { kind: isOver ? 'over' : 'quiet', ...measure };
}

/** An open trip of one breaker of one agent; `latched`: its stop is in the ledger. */
export interface BreakerTrip {
  readonly action: BreakerAction;
  readonly latched: boolean;
}

export type BreakerEvent =
  | { readonly kind: 'judged'; readonly verdict: 'quiet' | 'over'; readonly action: BreakerAction }
  | { readonly kind: 'latched' }
  /** Somebody reset the stop that it latched. */
  | { readonly kind: 'stop-reset' }
  | { readonly kind: 'reset'; readonly actor: string };

export type BreakerAnswer = 'tripped' | 'cleared' | 'unchanged' | 'not-tripped' | 'stopped';

export interface BreakerStep {
  readonly trip: BreakerTrip | undefined;
  readonly answer: BreakerAnswer;
}

/**
 * What only tells, ends by itself when it is quiet again. What acts, ends by a person: a hold by a reset of the breaker, a stop by
 * the reset of the stop, which has rules of its own. A milder rule takes nothing back.
 */
export function onBreaker(trip: BreakerTrip | undefined, event: BreakerEvent): BreakerStep {
  switch (event.kind) {
    case 'judged':
      if (event.verdict === 'over' && rank(trip?.action) < rank(event.action))
        return { trip: { action: event.action, latched: false }, answer: 'tripped' };
      if (event.verdict === 'quiet' && trip !== undefined && !acts(trip)) return { trip: undefined, answer: 'cleared' };
      return { trip, answer: 'unchanged' };
    case 'latched':
      if (trip?.action !== 'stop') return { trip, answer: 'unchanged' };
      return { trip: { ...trip, latched: true }, answer: 'unchanged' };
    case 'stop-reset':
      return trip?.latched === true ? { trip: undefined, answer: 'cleared' } : { trip, answer: 'unchanged' };
    case 'reset':
      if (trip === undefined) return { trip, answer: 'not-tripped' };
      return trip.action === 'stop' ? { trip, answer: 'stopped' } : { trip: undefined, answer: 'cleared' };
  }
}

/** A stop holds from the trip on, so that nothing is admitted until it is latched. */
export function isHolding(trip: BreakerTrip | undefined): boolean {
  return trip !== undefined && (trip.action === 'hold' || (trip.action === 'stop' && !trip.latched));
}

const acts = ({ action }: BreakerTrip): boolean => action === 'hold' || action === 'stop';
const rank = (action: BreakerAction | undefined): number =>
  action === undefined ? -1 : breakerActions.indexOf(action);

function measureOf(breaker: BreakerKind, conduct: Conduct): Measure {
  const { calls, errors, denied, beyond, overBudget, microcents, risk, repeated, children, tools } = conduct;
  const counted = (measured: number): Measure => ({ measured, sample: calls + denied + children });
  switch (breaker) {
    case 'call-rate':
      return counted(calls + denied);
    case 'error-rate':
      return { measured: calls === 0 ? 0 : Math.floor((errors * 100) / calls), sample: calls };
    case 'spend-slope':
      return counted(microcents);
    case 'repetition':
      return counted(repeated);
    case 'denied-rate':
      return counted(denied);
    case 'over-budget':
      return counted(overBudget);
    case 'fan-out':
      return counted(children);
    case 'behaviour-drift':
      return drift(tools);
    case 'out-of-bounds':
      return counted(beyond);
    case 'raised-risk':
      return counted(risk);
  }
}

/**
 * How much of what it does now is not what it did before, in per cent: half the sum of the differences between the shares of its
 * tools (0: the same mix, 100: none of the same tools). It rests on the smaller of the two numbers of calls, so that an agent
 * without a past does not drift.
 */
function drift(tools: readonly ToolUse[]): Measure {
  const now = tools.reduce((sum, tool) => sum + tool.now, 0);
  const before = tools.reduce((sum, tool) => sum + tool.before, 0);
  if (now === 0 || before === 0) return { measured: 0, sample: 0 };
  const apart = tools.reduce((sum, tool) => sum + Math.abs(tool.now / now - tool.before / before), 0) / 2;
  return { measured: Math.floor(apart * 100 + 1e-9), sample: Math.min(now, before) };
}

const points: Readonly<Record<string, number>> = { read: 0, fetch: 1, write: 1, destructive: 5, code: 5 };

/** What is not known is as risky as the riskiest. */
export const riskOfTier = (tier: string | undefined): number => (tier === undefined ? 5 : (points[tier] ?? 5));
export const riskOfDenial = 2;
