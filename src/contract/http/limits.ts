/** Budgets and breakers as the API shows them. */
import { z } from 'zod';
import { breakerActions, tripCauses } from '../../core/breaker.ts';
import { budgetScopes } from '../../core/budget.ts';
import { AgentId, Instant, OneLine } from './fields.ts';
import { pageOf } from './page.ts';

export const AgentPath = z.strictObject({ id: AgentId });
const amount = z.int();
const Spend = z.object({
  calls: amount,
  tokens: amount,
  microcents: amount.meta({ description: 'Millionths of a cent' }),
});

export const Budget = z
  .object({
    scope: z.enum(budgetScopes),
    of: z.string().meta({
      description:
        'The task, the root task, the agent, or agent/date; empty for the cap of each call and for what nothing has used yet',
    }),
    limit: Spend.partial(),
    used: Spend.meta({ description: 'Spent and reserved together: what the limit is compared with' }),
    reserved: Spend.meta({ description: 'Of that, for calls whose end is not known' }),
  })
  .meta({ id: 'Budget' });
export const BudgetPage = pageOf(Budget, 'BudgetPage');

export const BreakersQuery = z.strictObject({
  agent: AgentId.optional(),
  all: z.enum(['true', 'false']).default('false').meta({ description: 'Also trips that are over' }),
});

export const BreakerTrip = z
  .object({
    agentId: z.string(),
    breaker: z.enum(tripCauses),
    action: z.enum(breakerActions),
    measured: amount,
    most: amount,
    withinMs: amount,
    sample: amount.meta({ description: 'On how many calls the measure rests' }),
    trippedAt: Instant,
    stopId: z.string().nullable(),
    clearedAt: Instant.nullable(),
    clearedBy: z.string().nullable(),
    clearReason: z.string().nullable(),
  })
  .meta({ id: 'BreakerTrip' });
export const BreakerTripPage = pageOf(BreakerTrip, 'BreakerTripPage');

export const ResetBreaker = z.strictObject({ breaker: z.enum(tripCauses), reason: OneLine(2_000) });
export const BreakerResetResult = z
  .object({ agentId: z.string(), breaker: z.enum(tripCauses), outcome: z.enum(['reset', 'not-tripped']) })
  .meta({ id: 'BreakerResetResult' });

export type Budget = z.infer<typeof Budget>;
export type BudgetPage = z.infer<typeof BudgetPage>;
export type BreakerTrip = z.infer<typeof BreakerTrip>;
export type BreakerTripPage = z.infer<typeof BreakerTripPage>;
export type BreakerResetResult = z.infer<typeof BreakerResetResult>;
