import { z } from 'zod';
import { defaultApprovalLimits } from '../../core/approval.ts';

type Duration = z.ZodType<number, string>;

/** Of an agent: who must approve its calls, and how often anybody is asked. */
export const approvalKeys = (duration: Duration, toolPattern: z.ZodType<string, string>) => ({
  approvers: z
    .record(toolPattern, z.union([z.literal(1), z.literal(2)]))
    .default({})
    .describe('How many different people must approve a call of these tools; one where nothing is said.'),
  ownerApproves: z
    .boolean()
    .default(false)
    .describe('Whether its owner may approve its calls; never those of tasks that the owner asked for.'),
  approvals: z
    .strictObject({
      maxOpen: z.int().min(1).max(1_000).default(defaultApprovalLimits.maxOpen),
      maxPerMinute: z.int().min(1).max(1_000).default(defaultApprovalLimits.maxPerMinute),
      quietAfterDenial: duration.default(defaultApprovalLimits.quietAfterDenialMs),
    })
    .transform(({ quietAfterDenial, ...caps }) => ({ ...caps, quietAfterDenialMs: quietAfterDenial }))
    .prefault({})
    .describe('What keeps people from being flooded with requests.'),
});
