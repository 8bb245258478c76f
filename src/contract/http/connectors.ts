import { z } from 'zod';
import { Instant } from './fields.ts';
import { pageOf } from './page.ts';

/** Whether a system could be cut off now, as its connector said when it was last asked. Hosts and secrets are not in it. */
export const ConnectorReadiness = z
  .object({
    connectorId: z.string(),
    system: z.string(),
    ready: z.enum(['yes', 'no', 'unknown']).meta({ description: 'unknown: nobody has asked it within three minutes' }),
    findings: z.array(z.string()).meta({ description: 'What is missing, and what it warns of' }),
    checkedAt: Instant.nullable(),
    since: Instant.nullable().meta({ description: 'Since when it says the same' }),
    tookMs: z.int().nullable(),
    agents: z.array(z.string()).meta({ description: 'Which agents are given credentials of it' }),
    liveGrants: z.int(),
    openObligations: z.int(),
    needsHuman: z.int(),
    lastProvedAt: Instant.nullable(),
  })
  .meta({ id: 'ConnectorReadiness' });
export const ConnectorPage = pageOf(ConnectorReadiness, 'ConnectorPage');

export type ConnectorReadiness = z.infer<typeof ConnectorReadiness>;
export type ConnectorPage = z.infer<typeof ConnectorPage>;
