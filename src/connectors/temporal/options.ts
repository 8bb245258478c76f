import { z } from 'zod';
import { network } from '../kit/address.ts';
import { secretReference } from '../kit/secret-reference.ts';

/** The connector's block in estop.yaml: a namespace in which agents may have schedules. */
export const temporalOptions = z.strictObject({
  address: z.string().regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}$/, 'must be host:port'),
  namespace: z.string().min(1).max(255),
  network,
  tls: z.boolean().default(false),
  apiKey: secretReference.optional(),
});
export type TemporalOptions = z.output<typeof temporalOptions>;

/** What wakes the agent: a workflow of this type, started by a schedule of the task's own. */
export const temporalGrant = z.strictObject({
  workflowType: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/),
  taskQueue: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/),
  everySeconds: z.int().min(1).max(86_400).default(60),
});
