import { z } from 'zod';
import { Instant, OneLine } from './fields.ts';

const PolicyFiles = z
  .record(z.string().max(80), z.string().max(1_000_000))
  .meta({ description: 'The whole set: the name of each file (`data-flow.cedar`) and its text' });

export const PolicyFault = z
  .object({
    file: z.string().meta({ description: 'Empty where the fault is of the set, or of a policy named by its id' }),
    policy: z.string().nullable(),
    message: z.string(),
  })
  .meta({ id: 'PolicyFault' });

export const PolicyCheck = z
  .object({
    valid: z.boolean(),
    version: z.string().nullable().meta({ description: 'Made of the texts; null where they are not valid' }),
    faults: z.array(PolicyFault),
    warnings: z.array(PolicyFault).meta({ description: 'Policies that can never match, for one' }),
    tools: z.int().meta({ description: 'How many accepted tools the set was checked against' }),
  })
  .meta({ id: 'PolicyCheck' });

export const PolicyActivation = z
  .object({
    activation: z.int(),
    version: z.string(),
    activatedBy: z.string(),
    secondedBy: z.string().nullable(),
    reason: z.string(),
    activatedAt: Instant,
  })
  .meta({ id: 'PolicyActivation' });

export const PolicyProposal = z
  .object({
    version: z.string(),
    files: z.record(z.string(), z.string()),
    proposedBy: z.string(),
    reason: z.string().nullable(),
    proposedAt: Instant,
    endsAt: Instant.meta({ description: 'Until then another person can put the same in force' }),
  })
  .meta({ id: 'PolicyProposal' });

export const PoliciesInForce = z
  .object({
    version: z.string(),
    activation: z.int().meta({ description: '0: none was ever activated, and what comes with estop is in force' }),
    files: z.record(z.string(), z.string()),
    history: z.array(PolicyActivation).meta({ description: 'Newest first' }),
    proposed: z.array(PolicyProposal).meta({ description: 'Where two people must want it: what waits for the second' }),
  })
  .meta({ id: 'PoliciesInForce' });

export const CheckPolicies = z.strictObject({ files: PolicyFiles }).meta({ id: 'CheckPolicies' });
export const ActivatePolicies = z
  .strictObject({ files: PolicyFiles, reason: OneLine(500), after: z.int().min(0).optional() })
  .meta({ id: 'ActivatePolicies' });
export const RollBackPolicies = z
  .strictObject({
    reason: OneLine(500),
    version: z
      .string()
      .regex(/^[0-9a-f]{16}$/)
      .optional(),
  })
  .meta({ id: 'RollBackPolicies' });

export const ActivationResult = z
  .object({
    version: z.string(),
    outcome: z.enum(['activated', 'already', 'awaiting-second-person']),
    activation: z.int().nullable(),
  })
  .meta({ id: 'ActivationResult' });

const largestRecording = 1_000_000;
export const TestPolicies = z
  .strictObject({
    runs: z
      .string()
      .min(1, 'Hand in a run, as one JSON object a line.')
      .max(largestRecording, `At most ${largestRecording} characters.`)
      .meta({ description: 'One JSON object a line: {run, request, tools?, calls: [{tool, args, output, error?}]}' }),
    tools: z
      .string()
      .max(largestRecording, `At most ${largestRecording} characters.`)
      .optional()
      .meta({ description: 'JSON: {"<list>": [{name, description, inputSchema, annotations?, labels?}]}' }),
    files: PolicyFiles.optional().meta({ description: 'The set to try; without it the one in force' }),
    assume: z.enum(['allow', 'deny']).default('deny').meta({ description: 'What the person who is asked answers' }),
  })
  .meta({ id: 'TestPolicies' });

export const PolicyTest = z
  .object({
    version: z.string(),
    counts: z.object({ runs: z.int(), allow: z.int(), ask: z.int(), deny: z.int() }),
    items: z.array(
      z.object({
        run: z.string(),
        decisions: z.array(z.enum(['allow', 'ask', 'deny'])),
        reasons: z.array(z.string()).meta({ description: 'For each call the policies that decided; empty if allowed' }),
      }),
    ),
    unjudged: z.array(z.string()).meta({ description: 'Why some calls could not be judged; they are denied' }),
  })
  .meta({ id: 'PolicyTest' });

export type PolicyTest = z.infer<typeof PolicyTest>;
export type PolicyCheck = z.infer<typeof PolicyCheck>;
export type PolicyProposal = z.infer<typeof PolicyProposal>;
export type PoliciesInForce = z.infer<typeof PoliciesInForce>;
export type ActivationResult = z.infer<typeof ActivationResult>;
