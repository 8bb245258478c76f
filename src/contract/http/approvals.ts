import { z } from 'zod';
import { ApprovalId, Instant, OneLine, TaskId } from './fields.ts';
import { PageQuery, pageOf } from './page.ts';
import { Tier } from './tools.ts';

export const ApprovalState = z.enum(['pending', 'approved', 'denied', 'expired', 'closed', 'redeemed']);

export const Approval = z
  .object({
    approvalId: z.string(),
    taskId: z.string(),
    agentId: z.string(),
    tool: z.string(),
    digest: z.string().meta({ description: 'SHA-256 of the canonical bytes that will be sent, in hex' }),
    shown: z
      .string()
      .meta({ description: 'The canonical arguments, whole. Written by an agent: show it as text, escaped.' }),
    reasons: z.array(z.object({ policy: z.string(), sentence: z.string() })).meta({
      description: 'Why a person is asked. Our sentences; what stands in quotation marks came from the call.',
    }),
    approvers: z.int().meta({ description: 'How many different people must approve it' }),
    policyVersion: z.string().meta({ description: 'Under another version of the policy the call asks anew' }),
    requestedBy: z.string(),
    state: ApprovalState,
    requestedAt: Instant,
    expiresAt: Instant,
    firstBy: z.string().nullable().meta({ description: 'The first of two who approved it' }),
    decidedBy: z.string().nullable(),
    decidedAt: Instant.nullable(),
    decisionReason: z.string().nullable(),
    endedAt: Instant.nullable().meta({
      description: 'When it was no longer open: denied, redeemed, closed, or its time over',
    }),
    stoppedBy: z.string().nullable().meta({ description: 'The stop that closed it' }),
  })
  .meta({ id: 'Approval' });

/** What a person should know before anything that an agent wrote. */
const ApprovalRisk = z
  .object({
    tier: Tier,
    by: z
      .enum(['estop.yaml', 'proposed'])
      .meta({ description: 'Who says so: people, or what its definition looks like' }),
  })
  .meta({ id: 'ApprovalRisk' });
export const ListedApproval = Approval.extend({
  risk: ApprovalRisk.nullable().meta({
    description: 'Of its tool, as known now; null where the tool is not on record',
  }),
}).meta({ id: 'ListedApproval' });
export const ApprovalPage = pageOf(ListedApproval, 'ApprovalPage');
export const ApprovalQuery = PageQuery.extend({
  state: z.enum(['pending', 'all']).default('pending'),
  task: TaskId.optional(),
});
export const ApprovalPath = z.strictObject({ id: ApprovalId });

export const DecideApproval = z
  .strictObject({ decision: z.enum(['approved', 'denied']), reason: OneLine(500).optional() })
  .meta({ id: 'DecideApproval' });

/** The decision stands in the ledger; `woken: false` means only that the task will find it by itself, later. */
export const ApprovalDecision = z.object({ approval: Approval, woken: z.boolean() }).meta({ id: 'ApprovalDecision' });

export type ApprovalState = z.infer<typeof ApprovalState>;
export type Approval = z.infer<typeof Approval>;
export type ApprovalRisk = z.infer<typeof ApprovalRisk>;
export type ListedApproval = z.infer<typeof ListedApproval>;
export type ApprovalPage = z.infer<typeof ApprovalPage>;
export type ApprovalQuery = z.infer<typeof ApprovalQuery>;
export type DecideApproval = z.infer<typeof DecideApproval>;
export type ApprovalDecision = z.infer<typeof ApprovalDecision>;
