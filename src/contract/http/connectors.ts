import { z } from 'zod';
import { Instant } from './fields.ts';
import { pageOf } from './page.ts';

/** A credential that was made to be thrown away, cut off, and proved dead; or what that came to. */
const Drill = z.object({
  taskId: z.string().meta({ description: 'The task that held the credential; the drill goes by it' }),
  state: z.enum(['asked', 'proved', 'failed', 'impossible']),
  askedBy: z.string(),
  scheduled: z.boolean(),
  askedAt: Instant,
  finishedAt: Instant.nullable(),
  why: z.string().nullable(),
  evidence: z.string().nullable(),
  issueMs: z.int().nullable().meta({ description: 'From the intent to the credential' }),
  cutMs: z.int().nullable().meta({ description: 'From the end of its task to the last cut' }),
  proveMs: z.int().nullable().meta({ description: 'From there to the proof' }),
});
export type Drill = z.infer<typeof Drill>;
export const DrillAsked = z.object({ taskId: z.string(), connectorId: z.string() }).meta({ id: 'DrillAsked' });
export type DrillAsked = z.infer<typeof DrillAsked>;
export const ConnectorPath = z.strictObject({ id: z.string().min(1).max(63) });

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
    heldBy: z
      .array(z.object({ taskId: z.string(), agentId: z.string() }))
      .meta({ description: 'Tasks with a live credential of it, the newest few' }),
    endedBy: z
      .array(z.object({ stopId: z.string(), scopeKey: z.string() }))
      .meta({ description: 'Stops under which something of it is still to be made dead, the newest few' }),
    lastProvedAt: Instant.nullable(),
    lastDrill: Drill.nullable(),
    drillProvedAt: Instant.nullable().meta({ description: 'When a drill was last proved' }),
    drillEveryMs: z.int().nullable().meta({ description: 'After how long it is drilled again by itself; null: never' }),
  })
  .meta({ id: 'ConnectorReadiness' });
export const ConnectorPage = pageOf(ConnectorReadiness, 'ConnectorPage');

export type ConnectorReadiness = z.infer<typeof ConnectorReadiness>;
export type ConnectorPage = z.infer<typeof ConnectorPage>;
