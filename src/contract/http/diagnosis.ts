import { z } from 'zod';
import { Instant } from './fields.ts';

const GatewayStanding = z.object({
  gatewayId: z.string(),
  address: z.string(),
  leaseMs: z.int().meta({ description: 'Until its lease runs out; below zero: since it has' }),
  confirmedEpoch: z
    .int()
    .meta({ description: 'Up to which epoch it has confirmed that it admits nothing under an older view' }),
});

/** What control knows of everything that it can reach. A part that is away is null, and the rest is told all the same. */
export const Diagnosis = z
  .object({
    version: z.string(),
    environment: z.string(),
    now: Instant.meta({ description: 'By the clock of this process' }),
    store: z
      .object({
        version: z.string(),
        now: Instant,
        migrations: z.int(),
        migrationsWanted: z.int(),
        fsync: z.boolean(),
        fullPageWrites: z.boolean(),
        synchronousCommit: z.string(),
        synchronousStandbys: z.string(),
        isReplica: z.boolean(),
        beatAgeMs: z.int().meta({ description: 'Since a stop process last proved that it can latch' }),
        drainAgeMs: z.int().meta({ description: 'Since the intake was last read to its end' }),
        gateways: z.array(GatewayStanding),
      })
      .nullable(),
    temporal: z.object({ version: z.string() }).nullable(),
    identityProvider: z
      .enum(['none', 'answers', 'away'])
      .meta({ description: 'Whether people sign in with one, and whether it answers' }),
    notifications: z.object({
      endpoints: z.int(),
      failedLately: z.int().nullable(),
      failing: z
        .array(z.string())
        .nullable()
        .meta({ description: 'Endpoints that did not take what they are told three times and more' }),
    }),
  })
  .meta({ id: 'Diagnosis' });

export type Diagnosis = z.infer<typeof Diagnosis>;
