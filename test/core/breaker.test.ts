import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BreakerEvent,
  type BreakerKind,
  type BreakerRule,
  type BreakerTrip,
  breakerActions,
  type Conduct,
  isHolding,
  judge,
  onBreaker,
} from '../../src/core/breaker.ts';

const idle: Conduct = {
  calls: 0,
  errors: 0,
  denied: 0,
  beyond: 0,
  overBudget: 0,
  microcents: 0,
  risk: 0,
  repeated: 0,
  children: 0,
  tools: [],
};
const rule = (breaker: BreakerKind, most: number, atLeast = 0): BreakerRule => ({
  breaker,
  action: 'warn',
  most,
  atLeast,
  withinMs: 60_000,
});
const action = fc.constantFrom(...breakerActions);
const event: fc.Arbitrary<BreakerEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('judged' as const),
      verdict: fc.constantFrom('quiet' as const, 'over' as const),
      action,
    }),
  },
  fc.constantFrom<BreakerEvent>({ kind: 'latched' }, { kind: 'stop-reset' }, { kind: 'reset', actor: 'olga' }),
);

describe('a breaker', () => {
  it.each([
    ['call-rate', { calls: 8, denied: 3 }, 10],
    ['error-rate', { calls: 20, errors: 11 }, 50],
    ['spend-slope', { calls: 1, microcents: 11 }, 10],
    ['repetition', { calls: 11, repeated: 11 }, 10],
    ['denied-rate', { denied: 11 }, 10],
    ['over-budget', { denied: 1, overBudget: 1 }, 0],
    ['fan-out', { children: 11 }, 10],
    [
      'behaviour-drift',
      {
        tools: [
          { now: 10, before: 0 },
          { now: 0, before: 100 },
        ],
      },
      60,
    ],
    ['out-of-bounds', { denied: 11, beyond: 11 }, 10],
    ['raised-risk', { calls: 3, risk: 11 }, 10],
  ] as const)('of %s trips above its limit, by its own numbers alone', (breaker, conduct, most) => {
    const seen: Conduct = { ...idle, ...conduct };
    const verdict = judge(rule(breaker, most), seen);
    expect(verdict.kind).toBe('over');
    expect(judge(rule(breaker, verdict.measured), seen).kind).toBe('quiet');
    expect(judge(rule(breaker, 0), idle).kind).toBe('quiet');
  });

  it('of a share trips only on as many calls as it asks for', () => {
    const failing = { ...idle, calls: 19, errors: 19 };
    expect(judge(rule('error-rate', 50, 20), failing).kind).toBe('quiet');
    expect(judge(rule('error-rate', 50, 20), { ...failing, calls: 20 }).kind).toBe('over');
    const newcomer = { ...idle, tools: [{ now: 100, before: 0 }] };
    expect(judge(rule('behaviour-drift', 10, 1), newcomer)).toMatchObject({ kind: 'quiet', sample: 0 });
  });

  it('of drift is 0 for the same mix at any volume, 100 for none of the same tools, and always between', () => {
    const uses = fc.array(fc.record({ now: fc.nat(1_000), before: fc.nat(1_000) }), { maxLength: 8 });
    fc.assert(
      fc.property(uses, (tools) => {
        const { measured } = judge(rule('behaviour-drift', 0), { ...idle, tools });
        expect(measured).toBeGreaterThanOrEqual(0);
        expect(measured).toBeLessThanOrEqual(100);
      }),
    );
    const same = [
      { now: 1, before: 70 },
      { now: 2, before: 140 },
    ];
    expect(judge(rule('behaviour-drift', 0), { ...idle, tools: same }).measured).toBe(0);
    const other = [
      { now: 5, before: 0 },
      { now: 0, before: 9 },
    ];
    expect(judge(rule('behaviour-drift', 0), { ...idle, tools: other }).measured).toBe(100);
  });

  it('that holds is ended by a person alone, one that stops by the reset of its stop alone, and neither by a milder rule', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        let trip: BreakerTrip | undefined;
        for (const one of events) {
          const before = trip;
          const { trip: after, answer } = onBreaker(trip, one);
          trip = after;
          if (before?.action === 'hold' && after === undefined) expect(one.kind).toBe('reset');
          if (before?.action === 'stop' && after === undefined) {
            expect(one.kind).toBe('stop-reset');
            expect(before.latched).toBe(true);
          }
          if (before !== undefined && after !== undefined)
            expect(breakerActions.indexOf(after.action)).toBeGreaterThanOrEqual(breakerActions.indexOf(before.action));
          // Between the trip and the latch nothing is let through.
          if (answer === 'tripped' && after?.action === 'stop') expect(isHolding(after)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
