import { z } from 'zod';
import type { SecretReference } from './contract.ts';

/** What is said of a secret that was written out; anything else is judged by its own keys. */
export const neverWrittenOut = ({ input }: { readonly input?: unknown }): string | undefined =>
  input === undefined
    ? 'is missing: say where it is, as { env: NAME } or { file: path }'
    : typeof input === 'object'
      ? undefined
      : 'a secret never stands here: write { env: NAME } or { file: path }';

/** A secret in estop.yaml: where it lies, never what it is. */
export const secretReference: z.ZodType<SecretReference> = z.union(
  [
    z.strictObject({ file: z.string().min(1).max(4096) }).describe('A file that holds the secret alone.'),
    z
      .strictObject({
        env: z
          .string()
          .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'An environment variable has letters, digits and underscores.'),
      })
      .describe('An environment variable.'),
  ],
  { error: neverWrittenOut },
);
