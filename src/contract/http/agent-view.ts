import { z } from 'zod';
import { breakerActions, breakerKinds } from '../../core/breaker.ts';
import { Agent } from './agents.ts';

const Tier = z.enum(['read', 'fetch', 'write', 'destructive', 'code']);

/** One agent, and all that it can reach. From the configuration in force; hosts and secrets are not in it. */
export const AgentView = Agent.extend({
  configured: z.boolean().meta({ description: 'False: the ledger knows it, the configuration in force does not' }),
  models: z.array(z.string()),
  mayStart: z.array(z.string()),
  delegation: z
    .enum(['intersect', 'own'])
    .meta({ description: 'What those tasks may do: no more than this agent, or all that their own agents may' }),
  grants: z.array(z.object({ name: z.string(), connector: z.string(), lifeMs: z.int() })),
  limits: z.record(z.string(), z.int()),
  breakers: z.array(
    z.object({ breaker: z.enum(breakerKinds), action: z.enum(breakerActions), most: z.number(), withinMs: z.int() }),
  ),
  reach: z
    .array(
      z.object({
        kind: z.enum(['tool', 'credential', 'model']),
        at: z.string(),
        name: z.string(),
        tier: Tier.nullable(),
        decides: z.enum(['policy', 'one person', 'two people', 'nobody, once it is handed over']),
        across: z.enum(['machine', 'private', 'public', 'unknown']).meta({ description: 'How far out it is' }),
        by: z.array(z.string()).meta({ description: 'The agents by which it is reached, this one first' }),
        isEscalation: z.boolean().meta({ description: 'Only through another agent' }),
      }),
    )
    .meta({ description: 'At most 400' }),
}).meta({ id: 'AgentView' });

export type AgentView = z.infer<typeof AgentView>;
