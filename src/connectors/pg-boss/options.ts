import { z } from 'zod';
import { identifier, postgresOptions } from '../postgres/options.ts';

export const pgBossOptions = postgresOptions.safeExtend({
  schema: identifier.default('pgboss').describe('The schema in which pg-boss is installed.'),
});
export type PgBossOptions = z.output<typeof pgBossOptions>;

export const pgBossGrant = z.strictObject({
  /** The agent itself may not write schedules: it gets the one that its configuration names. */
  schedule: z
    .strictObject({
      cron: z
        .string()
        .regex(/^[0-9A-Za-z*,/?#-]+(?: [0-9A-Za-z*,/?#-]+){4,5}$/, 'A cron expression has five or six fields.')
        .max(100),
      timezone: z
        .string()
        .regex(/^[A-Za-z0-9_+/-]{1,64}$/)
        .default('UTC'),
      data: z.json().default(null),
    })
    .optional()
    .describe('A job that wakes the agent again and again.'),
  retryLimit: z.int().min(0).max(100).default(2),
  connectionLimit: z.int().min(1).max(100).default(5),
  shared: z
    .boolean()
    .default(false)
    .describe(
      'One queue for all tasks of the agent instead of one for each grant. Ending any of its tasks then empties the queue, and no grant is given while an old one is still being cut off.',
    ),
});
