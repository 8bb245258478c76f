import { z } from 'zod';
import { Instant } from './fields.ts';
import { pageOf } from './page.ts';

export const Agent = z
  .object({
    agentId: z.string(),
    owner: z.string(),
    stopHolder: z.string(),
    labels: z.record(z.string(), z.string()),
    sharedCredentials: z
      .array(z.object({ at: z.string(), with: z.array(z.string()) }))
      .meta({ description: 'Where the configuration lets one credential stand for this agent and others' }),
    openTasks: z.int(),
    stoppedBy: z.string().nullable(),
    registeredAt: Instant,
    retiredAt: Instant.nullable(),
  })
  .meta({ id: 'Agent' });
export const AgentPage = pageOf(Agent, 'AgentPage');

export type Agent = z.infer<typeof Agent>;
export type AgentPage = z.infer<typeof AgentPage>;
