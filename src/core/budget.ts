/**
 * Budgets, as pure rules (the store: migrations of budgets). The worst case of a call is reserved before it is made, so that no
 * number of calls at once can spend more than the limit; how it really ended is settled afterwards. What is never settled stays
 * spent: a crash makes a budget smaller, never larger.
 */

/** Whole numbers only: a millionth of a cent is the smallest piece of money, because the price of one token is less than a cent. */
export interface Spend {
  readonly calls: number;
  readonly tokens: number;
  readonly microcents: number;
}

export const microcentsPerCent = 1_000_000;

/** A tool call as budgets see it: what the tool itself costs is not known here. */
export const oneCall: Spend = { calls: 1, tokens: 0, microcents: 0 };

/** `call` caps each single call; `tree` is a root task with everything below it; `day` is one agent on one UTC day. */
export const budgetScopes = ['call', 'task', 'tree', 'agent', 'day'] as const;
export type BudgetScope = (typeof budgetScopes)[number];

/** What is not named is not limited. */
export type BudgetLimit = Partial<Spend>;
export type BudgetLimits = Partial<Readonly<Record<BudgetScope, BudgetLimit>>>;

const units = ['calls', 'tokens', 'microcents'] as const satisfies readonly (keyof Spend)[];
export type BudgetUnit = (typeof units)[number];

/** One budget: a limit, what is spent for good, and what is reserved for calls under way. */
export interface Budget {
  readonly limit: BudgetLimit;
  readonly spent: Spend;
  readonly reserved: ReadonlyMap<string, Spend>;
}

export type BudgetEvent =
  | { readonly kind: 'reserve'; readonly callId: string; readonly worst: Spend }
  /** It was made; `used` is what its provider says, if it says anything. */
  | { readonly kind: 'settle'; readonly callId: string; readonly used?: Spend }
  /** It was not made. */
  | { readonly kind: 'release'; readonly callId: string }
  /** Nobody will ever say how it ended. */
  | { readonly kind: 'expire'; readonly callId: string };

export type BudgetAnswer = 'reserved' | 'over-budget' | 'not-an-amount' | 'taken' | 'settled' | 'unknown';

export interface BudgetStep {
  readonly budget: Budget;
  readonly answer: BudgetAnswer;
}

export const emptyBudget = (limit: BudgetLimit): Budget => ({
  limit,
  spent: { calls: 0, tokens: 0, microcents: 0 },
  reserved: new Map(),
});

export function onBudget(budget: Budget, event: BudgetEvent): BudgetStep {
  if (event.kind === 'reserve') return reserve(budget, event.callId, event.worst);
  const worst = budget.reserved.get(event.callId);
  // Settled once: a late word about a call that is settled or expired gives nothing back.
  if (worst === undefined) return { budget, answer: 'unknown' };
  const reserved = new Map(budget.reserved);
  reserved.delete(event.callId);
  return { budget: { ...budget, spent: plus(budget.spent, costOf(event, worst)), reserved }, answer: 'settled' };
}

/** Spent and reserved together: what the limit is compared with. */
export function usedOf(budget: Budget): Spend {
  return [...budget.reserved.values()].reduce(plus, budget.spent);
}

/** Anything else (negative, NaN, a fraction, beyond what a number holds exactly) is no amount, and is refused. */
export function isSpend(spend: Spend): boolean {
  return units.every((unit) => Number.isSafeInteger(spend[unit]) && spend[unit] >= 0);
}

/** The first unit in which `more` does not fit any more. */
export function unitOver(limit: BudgetLimit, used: Spend, more: Spend): BudgetUnit | undefined {
  return units.find((unit) => {
    const most = limit[unit];
    return most !== undefined && used[unit] + more[unit] > most;
  });
}

function reserve(budget: Budget, callId: string, worst: Spend): BudgetStep {
  if (!isSpend(worst)) return { budget, answer: 'not-an-amount' };
  if (budget.reserved.has(callId)) return { budget, answer: 'taken' };
  if (unitOver(budget.limit, usedOf(budget), worst) !== undefined) return { budget, answer: 'over-budget' };
  return { budget: { ...budget, reserved: new Map(budget.reserved).set(callId, worst) }, answer: 'reserved' };
}

function costOf(event: Exclude<BudgetEvent, { readonly kind: 'reserve' }>, worst: Spend): Spend {
  switch (event.kind) {
    case 'release':
      return { calls: 0, tokens: 0, microcents: 0 };
    case 'expire':
      return worst;
    case 'settle':
      // A number that cannot be believed is not an excuse to spend less than the worst.
      return event.used === undefined || !isSpend(event.used) ? worst : event.used;
  }
}

function plus(a: Spend, b: Spend): Spend {
  return { calls: a.calls + b.calls, tokens: a.tokens + b.tokens, microcents: a.microcents + b.microcents };
}
