import { z } from 'zod';
import { Instant, ObligationId, OneLine, ScopeKeyText, StopId } from './fields.ts';
import { PageQuery, pageOf } from './page.ts';
import { PlaybookChoice } from './playbooks.ts';
import { WorkflowLink } from './tasks.ts';

/** POST /v1/stops, to the stop process. The caller mints the id, so that a retry is the same stop. */
export const StopRequest = z
  .strictObject({
    stopId: StopId,
    scopeKey: ScopeKeyText,
    category: z.union([z.literal(0), z.literal(1)]).default(0),
    graceMs: z.int().min(0).max(60_000).optional(),
    reason: z.string().max(500).default(''),
    method: z.enum(['api', 'cli', 'console', 'breaker', 'trigger']).default('api'),
  })
  .meta({ id: 'StopRequest' });

export const Stage = z
  .object({
    stage: z.enum(['latched', 'fenced', 'halted', 'revoked', 'proved']),
    at: Instant.nullable(),
    afterMs: z.number().nullable().meta({ description: 'Milliseconds since the latch' }),
  })
  .meta({ id: 'Stage' });

export const ObligationCounts = z
  .object({
    total: z.int(),
    open: z.int(),
    revoked: z.int().meta({ description: 'Every cutting phase is done, or the obligation is final' }),
    proved: z.int().meta({ description: 'Proved or expired, and the last probe of the whole stop has passed' }),
    residual: z.int(),
    acceptedRisk: z.int(),
    needsHuman: z.int(),
  })
  .meta({ id: 'ObligationCounts' });

export const Stop = z
  .object({
    stopId: z.string(),
    epoch: z.int(),
    scopeKey: z.string(),
    category: z.int(),
    graceMs: z.int(),
    reason: z.string(),
    actor: z.string(),
    method: z.string(),
    inForce: z.boolean(),
    reached: Stage.shape.stage.meta({ description: 'The last stage before the first that is not verified yet' }),
    stages: z.array(Stage),
    evidence: z.string().nullable().meta({
      description: 'The weakest that a proof rests on. accepted-risk: some of it may live, and a person accepted that',
    }),
    obligations: ObligationCounts,
    possiblyCompleted: z.int().meta({ description: 'Calls already written to an upstream when they were cut' }),
    residualUntil: Instant.nullable(),
    reset: z.object({ at: Instant, by: z.string(), reason: z.string(), epoch: z.int() }).nullable(),
  })
  .meta({ id: 'Stop' });
const scopeKnown = z.boolean().nullable().meta({
  description:
    'False: nobody and nothing here ever went by this name. The stop is in force all the same, and covers nothing; null: it could not be read just now',
});
export const ListedStop = Stop.extend({ scopeKnown }).meta({ id: 'ListedStop' });
export const StopPage = pageOf(ListedStop, 'StopPage');
export const StopQuery = PageQuery.extend({ inForce: z.enum(['true', 'false']).optional() });
export const StopPath = z.strictObject({ id: StopId });

export const StopGateway = z
  .object({
    gatewayId: z.string(),
    outcome: z.enum(['confirmed', 'expired', 'waiting']),
    at: Instant.nullable(),
  })
  .meta({ id: 'StopGateway' });

export const Obligation = z
  .object({
    obligationId: z.string(),
    agentId: z.string(),
    taskId: z.string(),
    grantId: z.string(),
    connector: z.string(),
    target: z.string(),
    state: z.enum(['open', 'proved', 'expired', 'residual', 'accepted-risk']),
    final: z.boolean().meta({ description: 'The last probe of its cause has passed, or a person accepted the risk' }),
    evidence: z.string().nullable(),
    phase: z.string().nullable(),
    attempts: z.int().meta({
      description: 'Steps begun: each phase, each probe, and each of them again whenever it is tried again',
    }),
    lastError: z.string().nullable(),
    nextTryAt: Instant.nullable(),
    needsHuman: z.string().nullable(),
    residual: z.object({ until: Instant, why: z.string() }).nullable(),
    acceptedBy: z.string().nullable(),
    openedAt: Instant,
    revokedAt: Instant.nullable(),
    provedAt: Instant.nullable(),
    finalAt: Instant.nullable(),
    revokedAfterMs: z
      .number()
      .nullable()
      .meta({ description: 'From the latch until all that cuts it off was done, waiting for a person included' }),
    provedAfterMs: z
      .number()
      .nullable()
      .meta({ description: 'From the latch until a probe saw it dead; it may have been dead before' }),
    workflow: WorkflowLink,
  })
  .meta({ id: 'Obligation' });
export const ObligationPage = pageOf(Obligation, 'ObligationPage');
export const ObligationQuery = PageQuery;
export const ObligationPath = z.strictObject({ id: ObligationId });

const CoveringStop = z.object({ stopId: z.string(), scopeKey: z.string() }).meta({ id: 'CoveringStop' });

export const StopView = Stop.extend({
  obligations: ObligationCounts.extend({
    uncovered: z.int().meta({ description: 'Credentials under the stop that no obligation stands for yet' }),
  }).meta({ id: 'CoveredObligationCounts' }),
  scopeKnown,
  tasks: z.object({ covered: z.int(), halted: z.int() }),
  gateways: z.array(StopGateway),
  lanes: z.array(Obligation).meta({ description: 'At most 200, what is not final first; the rest under /obligations' }),
  lanesTruncated: z.boolean(),
  calls: z
    .array(
      z.object({
        callId: z.string(),
        taskId: z.string(),
        tool: z.string(),
        gatewayId: z.string(),
        admittedAt: Instant,
      }),
    )
    .nullable()
    .meta({ description: 'Calls reported as possibly completed, at most 100; null: they could not be read just now' }),
  workflow: WorkflowLink,
  alsoStoppedBy: z.array(CoveringStop).nullable().meta({
    description:
      'Other stops in force over all that this one covers, at most 20, oldest first: without this one they keep it stopped; null: they could not be read just now',
  }),
}).meta({ id: 'StopView' });

export const PreviewStop = z.strictObject({ scopeKey: ScopeKeyText }).meta({ id: 'PreviewStop' });

export const StopPreview = z
  .object({
    previewId: z.string().meta({
      description:
        'Fit to be the `stopId` of the stop that was previewed: sent twice it is one stop. Nothing is kept of a preview, and a stop needs none',
    }),
    scopeKey: z.string(),
    scopeKnown: z.boolean().nullable().meta({
      description: 'Whether anybody or anything here ever went by this name; null: not known within two seconds',
    }),
    takenAt: Instant,
    known: z
      .boolean()
      .meta({ description: 'False: not counted within two seconds. The stop itself never waits for this.' }),
    tasks: z.int().nullable(),
    agents: z.int().nullable(),
    credentials: z.int().nullable(),
    callsInFlight: z.int().nullable(),
    examples: z.array(z.object({ taskId: z.string(), agentId: z.string() })).max(5),
    playbook: PlaybookChoice.nullable().meta({
      description: 'What was agreed about a stop like this; null: every phase runs by itself',
    }),
  })
  .meta({ id: 'StopPreview' });

export const ResetStop = z.strictObject({ reason: OneLine(500) }).meta({ id: 'ResetStop' });

/** `awaiting-second-person`: recorded; the fleet is unlatched when another person resets the same stop. */
export const ResetResult = z
  .object({
    stopId: z.string(),
    outcome: z.enum(['reset', 'already-reset', 'awaiting-second-person']),
    epoch: z.int().nullable(),
    resetAt: Instant.nullable(),
    requestedBy: z.array(z.string()),
    stillStoppedBy: z.array(CoveringStop).nullable().meta({
      description:
        'Other stops in force over all that this one covered, at most 20, oldest first; null: they were not read, because nothing is unlatched yet or because they could not be',
    }),
  })
  .meta({ id: 'ResetResult' });

export const AcceptRisk = z.strictObject({ reason: OneLine(500) }).meta({ id: 'AcceptRisk' });

export type StopRequest = z.input<typeof StopRequest>;
export type Stage = z.infer<typeof Stage>;
export type ObligationCounts = z.infer<typeof ObligationCounts>;
export type Stop = z.infer<typeof Stop>;
export type ListedStop = z.infer<typeof ListedStop>;
export type StopPage = z.infer<typeof StopPage>;
export type StopQuery = z.infer<typeof StopQuery>;
export type StopGateway = z.infer<typeof StopGateway>;
export type Obligation = z.infer<typeof Obligation>;
export type ObligationPage = z.infer<typeof ObligationPage>;
export type ObligationQuery = z.infer<typeof ObligationQuery>;
export type StopView = z.infer<typeof StopView>;
export type PreviewStop = z.infer<typeof PreviewStop>;
export type StopPreview = z.infer<typeof StopPreview>;
export type ResetStop = z.infer<typeof ResetStop>;
export type ResetResult = z.infer<typeof ResetResult>;
export type AcceptRisk = z.infer<typeof AcceptRisk>;
