import { z } from 'zod';
import { type BreakerKind, type BreakerRule, breakerActions } from '../../core/breaker.ts';
import { type BudgetLimits, budgetScopes, microcentsPerCent } from '../../core/budget.ts';

const cents = z.int().min(0).max(1_000_000_000);
const limit = z
  .strictObject({
    calls: z.int().min(0).optional(),
    tokens: z.int().min(0).optional(),
    cents: cents.optional().describe('Whole cents.'),
  })
  .describe('The most of each. What is not named is not limited.');

/** `budgets:` of an agent. */
export const budgets = z
  .partialRecord(z.enum(budgetScopes), limit)
  .optional()
  .describe('Absolute caps: of one call, a task, a tree of tasks, the agent in all, the agent on one UTC day.');

/** Nothing here acts by itself: whoever has not configured a breaker is told, and never stopped by surprise. */
const defaults = {
  'call-rate': { most: 600, within: 60_000, action: 'warn' },
  'error-rate': { most: 50, within: 300_000, atLeast: 20, action: 'warn' },
  'spend-slope': { most: 1_000, within: 600_000, action: 'warn' },
  'repetition': { most: 20, within: 300_000, action: 'warn' },
  'denied-rate': { most: 30, within: 60_000, action: 'warn' },
  'over-budget': { most: 0, within: 60_000, action: 'warn' },
  'fan-out': { most: 50, within: 300_000, action: 'warn' },
  'out-of-bounds': { most: 10, within: 300_000, action: 'warn' },
  'behaviour-drift': { most: 60, within: 3_600_000, atLeast: 50, action: 'off' },
  'raised-risk': { most: 100, within: 600_000, action: 'off' },
} as const satisfies Record<BreakerKind, { most: number; within: number; atLeast?: number; action: string }>;

const sentences: Readonly<Record<BreakerKind, string>> = {
  'call-rate': 'Requests within the window, made or denied.',
  'error-rate': 'Failed calls in per cent of those made; on `atLeast` calls.',
  'spend-slope': 'Cents spent within the window.',
  'repetition': 'How often the very same call was asked for.',
  'denied-rate': 'Calls denied by the gate.',
  'over-budget': 'Calls that a budget had no room for.',
  'fan-out': 'Tasks that its tasks started.',
  'out-of-bounds': 'Requests for what its configuration does not give it at all.',
  'behaviour-drift': 'How much of its mix of tools is not what it used to be, in per cent; on `atLeast` calls.',
  'raised-risk':
    'Points: 1 for a tool that fetches or writes, 5 for one that destroys or runs code, 2 for a denied call.',
};

const units = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const span = z
  .string()
  .regex(/^[1-9][0-9]{0,3}(s|m|h)$/, 'must be a whole number with s, m or h, such as 5m')
  .transform((text) => Number.parseInt(text, 10) * units[text.slice(-1) as keyof typeof units]) // the pattern admits exactly these units
  .refine((ms) => ms >= 5_000 && ms <= 3_600_000, 'must be between 5s and 1h');

const rule = z.strictObject({
  most: z.int().min(0).max(1_000_000_000).optional(),
  within: span.optional(),
  atLeast: z.int().min(0).max(1_000_000).optional().describe('Shares of fewer calls than this mean nothing.'),
  action: z
    .enum(['off', ...breakerActions])
    .optional()
    .describe('shadow writes down, warn tells people, hold and stop act.'),
});

const kinds = Object.keys(defaults) as BreakerKind[]; // `satisfies` above says that these are all

/** `breakers:` of an agent. What is not named keeps its default. */
export const breakers = z
  .strictObject(
    Object.fromEntries(kinds.map((kind) => [kind, rule.optional().describe(sentences[kind])])) as {
      [Kind in BreakerKind]: z.ZodOptional<typeof rule>; // made from all kinds, one line up
    },
  )
  .optional()
  .describe('Patterns that tell people, or act.');

export function budgetLimitsOf(written: z.output<typeof budgets>): { budgets?: BudgetLimits } {
  if (written === undefined) return {};
  const limits = Object.entries(written).map(([scope, { calls, tokens, cents: money }]) => [
    scope,
    {
      ...(calls === undefined ? {} : { calls }),
      ...(tokens === undefined ? {} : { tokens }),
      ...(money === undefined ? {} : { microcents: money * microcentsPerCent }),
    },
  ]);
  return { budgets: Object.fromEntries(limits) };
}

export function breakerRulesOf(written: z.output<typeof breakers>): readonly BreakerRule[] {
  return kinds.flatMap((breaker): BreakerRule[] => {
    const base = { atLeast: 0, ...defaults[breaker] };
    const own = written?.[breaker];
    const action = own?.action ?? base.action;
    if (action === 'off') return [];
    const most = own?.most ?? base.most;
    return [
      {
        breaker,
        action,
        most: breaker === 'spend-slope' ? most * microcentsPerCent : most,
        atLeast: own?.atLeast ?? base.atLeast,
        withinMs: own?.within ?? base.within,
      },
    ];
  });
}
