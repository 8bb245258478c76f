import { z } from 'zod';
import type { SecretReference } from './contract.ts';

/** A secret in estop.yaml: where it lies, never what it is. */
export const secretReference: z.ZodType<SecretReference> = z.union([
  z.strictObject({ file: z.string().min(1).max(4096) }).describe('A file that holds the secret alone.'),
  z
    .strictObject({
      env: z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'An environment variable has letters, digits and underscores.'),
    })
    .describe('An environment variable.'),
]);
