import type { Guard } from '../guard.ts';

const core = { file: 'test/core/budget.test.ts' };
const faults = 'test/gateway/model/faults.test.ts';

/** Those in the store are sabotaged by their own tests: test/store/budgets.test.ts. */
export const budgetGuards: readonly Guard[] = [
  {
    id: 'budget/room',
    file: 'src/core/budget.ts',
    protects: 'nothing is reserved beyond the limit',
    attacks: ['A21'],
    find: "if (unitOver(budget.limit, usedOf(budget), worst) !== undefined) return { budget, answer: 'over-budget' };",
    put: '',
    tests: core,
  },
  {
    id: 'budget/amount',
    file: 'src/core/budget.ts',
    protects: 'a cost is whole and not negative',
    attacks: ['A21'],
    find: "if (!isSpend(worst)) return { budget, answer: 'not-an-amount' };",
    put: '',
    tests: core,
  },
  {
    id: 'budget/once',
    file: 'src/core/budget.ts',
    protects: 'a call reserves once',
    attacks: ['A21'],
    find: "if (budget.reserved.has(callId)) return { budget, answer: 'taken' };",
    put: '',
    tests: { ...core, title: 'is reserved once for one call' },
  },
  {
    id: 'budget/believed',
    file: 'src/core/budget.ts',
    protects: 'a bill that is no amount costs the worst case',
    attacks: ['A21'],
    find: 'event.used === undefined || !isSpend(event.used) ? worst : event.used',
    put: 'event.used ?? worst',
    tests: core,
  },
  {
    id: 'budget/expired-is-spent',
    file: 'src/core/budget.ts',
    protects: 'what nobody settles stays spent',
    attacks: ['A21'],
    find: "    case 'expire':\n      return worst;",
    put: "    case 'expire':\n      return { calls: 0, tokens: 0, microcents: 0 };",
    tests: core,
  },
  {
    id: 'budget/tokens',
    file: 'src/gateway/model/usage.ts',
    protects: "a provider's number is counted only if it is one",
    attacks: ['A21'],
    find: "return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= mostTokens;",
    put: "return typeof value === 'number';",
    tests: { file: faults },
  },
  {
    id: 'budget/worst-model-call',
    file: 'src/gateway/model/usage.ts',
    protects: 'the dearest case of a model call is reserved',
    attacks: ['A21'],
    find: 'tokens: mostInputTokens + mostOutputTokens,',
    put: 'tokens: 0,',
    tests: { file: faults },
  },
  {
    id: 'budget/price',
    file: 'src/gateway/checks/model-scope.ts',
    protects: 'what cannot be counted is not called',
    attacks: ['A21'],
    find: "if (model.price === undefined) return denied('model-without-price');",
    put: '',
    tests: { file: 'test/gateway/model/refusals.test.ts', title: 'for a model without a price' },
  },
  {
    id: 'breaker/unwatched',
    file: 'src/gateway/call/conduct-recorder.ts',
    protects: 'an agent that nobody counts is not admitted',
    attacks: ['A22'],
    find: 'recorder.isBehind() && mustBeWatched(request.keys)',
    put: 'false',
    tests: { file: 'test/gateway/conduct-recorder.test.ts', title: 'admits nothing of an agent whose breakers act' },
  },
];
