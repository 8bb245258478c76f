import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BudgetEvent,
  type BudgetLimit,
  emptyBudget,
  isSpend,
  onBudget,
  oneCall,
  type Spend,
  usedOf,
} from '../../src/core/budget.ts';

const amount = fc.integer({ min: 0, max: 6 });
const spend: fc.Arbitrary<Spend> = fc.record({ calls: amount, tokens: amount, microcents: amount });
const odd: fc.Arbitrary<Spend> = fc.record({
  calls: fc.constantFrom(-1, Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 53, -0.1),
  tokens: amount,
  microcents: amount,
});
const limits: fc.Arbitrary<BudgetLimit> = fc.record(
  {
    calls: fc.integer({ min: 0, max: 20 }),
    tokens: fc.integer({ min: 0, max: 20 }),
    microcents: fc.integer({ min: 0, max: 20 }),
  },
  { requiredKeys: [] },
);
const callId = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const event: fc.Arbitrary<BudgetEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reserve' as const), callId, worst: spend }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reserve' as const), callId, worst: odd }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const), callId }) },
  fc.record({ kind: fc.constantFrom('release' as const, 'expire' as const), callId }),
);

describe('a budget', () => {
  it('never spends more than its limit in any order of reserving, settling, releasing and expiring', () => {
    fc.assert(
      fc.property(limits, fc.array(event, { maxLength: 40 }), (limit, events) => {
        let budget = emptyBudget(limit);
        for (const one of events) {
          budget = onBudget(budget, one).budget;
          const used = usedOf(budget);
          expect(isSpend(used)).toBe(true);
          for (const unit of ['calls', 'tokens', 'microcents'] as const)
            expect(used[unit]).toBeLessThanOrEqual(limit[unit] ?? Number.MAX_SAFE_INTEGER);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives back what a call did not use, nothing twice, and never anything of a call that nobody settled', () => {
    const tenCalls = emptyBudget({ calls: 10 });
    const both = ['a', 'b'].reduce(
      (at, id) => onBudget(at, { kind: 'reserve', callId: id, worst: oneCall }).budget,
      tenCalls,
    );
    expect(usedOf(both).calls).toBe(2);
    const released = onBudget(both, { kind: 'release', callId: 'a' }).budget;
    expect(usedOf(released).calls).toBe(1);
    expect(onBudget(released, { kind: 'release', callId: 'a' })).toMatchObject({ answer: 'unknown', budget: released });
    const expired = onBudget(released, { kind: 'expire', callId: 'b' }).budget;
    expect(usedOf(expired).calls).toBe(1);
    // Its gateway wakes up and says that it was never made: too late to be believed.
    expect(onBudget(expired, { kind: 'release', callId: 'b' })).toMatchObject({ answer: 'unknown', budget: expired });
  });

  it('is reserved once for one call: a second word of it is not what the call can cost', () => {
    const worst = { calls: 1, tokens: 5, microcents: 5 };
    const { budget } = onBudget(emptyBudget({ calls: 10 }), { kind: 'reserve', callId: 'a', worst });
    for (const again of [worst, { calls: 0, tokens: 0, microcents: 0 }])
      expect(onBudget(budget, { kind: 'reserve', callId: 'a', worst: again })).toMatchObject({
        answer: 'taken',
        budget,
      });
    expect(usedOf(budget)).toEqual(worst);
  });

  it('spends the worst where a provider says nothing, or nothing that is an amount', () => {
    const worst = { calls: 1, tokens: 500, microcents: 700 };
    const reserved = onBudget(emptyBudget({ tokens: 1_000 }), { kind: 'reserve', callId: 'a', worst }).budget;
    expect(usedOf(onBudget(reserved, { kind: 'settle', callId: 'a' }).budget)).toEqual(worst);
    for (const tokens of [-500, Number.NaN, 0.1]) {
      const settled = onBudget(reserved, { kind: 'settle', callId: 'a', used: { ...worst, tokens } });
      expect(usedOf(settled.budget)).toEqual(worst);
    }
    const told = { calls: 1, tokens: 20, microcents: 30 };
    expect(usedOf(onBudget(reserved, { kind: 'settle', callId: 'a', used: told }).budget)).toEqual(told);
  });
});
