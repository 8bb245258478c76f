import { z } from 'zod';
import { Instant } from './fields.ts';

/** The configuration that the ledger was last given: what runs, whatever the file says by now. */
export const RunningConfig = z
  .object({
    version: z.int(),
    appliedAt: Instant,
    appliedBy: z.string(),
    document: z.record(z.string(), z.unknown()).meta({
      description: 'The parsed estop.yaml; it names where secrets are, and holds none',
    }),
  })
  .meta({ id: 'RunningConfig' });

export type RunningConfig = z.infer<typeof RunningConfig>;
