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

export const PoliciesInForce = z
  .object({
    version: z.string(),
    activation: z.int().meta({ description: '0: none was ever activated, and what comes with estop is in force' }),
    files: z.record(z.string(), z.string()),
    history: z.array(PolicyActivation).meta({ description: 'Newest first' }),
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

export type PolicyCheck = z.infer<typeof PolicyCheck>;
export type PoliciesInForce = z.infer<typeof PoliciesInForce>;
export type ActivationResult = z.infer<typeof ActivationResult>;
