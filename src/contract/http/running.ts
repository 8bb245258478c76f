import { z } from 'zod';
import { breakerActions, tripCauses } from '../../core/breaker.ts';
import { Instant } from './fields.ts';
import { maxPage } from './page.ts';

/** What runs now, the riskiest first. One row an agent: what a person stops is seldom a single task of a hundred. */
export const RunningQuery = z.strictObject({
  search: z.string().max(200, 'At most 200 characters.').optional().meta({
    description: 'Part of the id, the owner or the stop-holder of an agent',
  }),
  label: z.string().max(200, 'At most 200 characters.').optional().meta({ description: 'name=value' }),
  limit: z.coerce
    .number('A number is expected.')
    .int('A whole number is expected.')
    .min(1, 'At least 1.')
    .max(maxPage, `At most ${maxPage}.`)
    .default(50),
});

export const RunningAgent = z
  .object({
    agentId: z.string(),
    owner: z.string(),
    stopHolder: z.string(),
    labels: z.record(z.string(), z.string()),
    openTasks: z.int(),
    heldTasks: z.int(),
    oldestAt: Instant,
    lately: z
      .object({ calls: z.int(), denied: z.int(), errors: z.int(), microcents: z.int() })
      .meta({ description: 'Within the last five minutes, in all gateways' }),
    pendingApprovals: z.int(),
    trips: z.array(z.object({ breaker: z.enum(tripCauses), action: z.enum(breakerActions) })),
    stoppedBy: z.string().nullable(),
    risk: z.int().meta({ description: 'By which this list is sorted; it means nothing else' }),
    because: z.array(z.enum(['breaker', 'spend', 'rate', 'denied', 'errors', 'approval', 'old'])),
  })
  .meta({ id: 'RunningAgent' });

export const Running = z
  .object({
    takenAt: Instant,
    agents: z.int().meta({ description: 'How many agents run, whatever was asked for' }),
    tasks: z.int().meta({ description: 'Their open tasks; drills are not among them' }),
    drills: z.array(z.string()).meta({ description: 'Connectors at which a drill is under way' }),
    pendingApprovals: z.int(),
    matching: z.int().meta({ description: 'How many of them match; the riskiest are in items' }),
    labels: z
      .array(z.string())
      .meta({ description: 'name=value of the labels that running agents carry, at most 100' }),
    items: z.array(RunningAgent),
  })
  .meta({ id: 'Running' });

export type RunningAgent = z.infer<typeof RunningAgent>;
export type Running = z.infer<typeof Running>;
