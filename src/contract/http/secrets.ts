import { z } from 'zod';
import { isName } from '../../core/ids.ts';
import { largestSecret } from '../secret.ts';
import { explainName, Instant } from './fields.ts';
import { pageOf } from './page.ts';

export const SecretName = z
  .string()
  .max(63, 'A name has at most 63 characters.')
  .refine((text) => isName(text), { error: (issue) => explainName(String(issue.input)) ?? 'This is no name.' })
  .meta({ description: 'Name of a sealed secret', example: 'billing-token' });

export const SecretPath = z.strictObject({ id: SecretName });

/** Its messages say what is wrong and never what was sent. */
export const SecretValue = z
  .strictObject({
    value: z
      .string('The value is text.')
      .min(1, 'The value is empty.')
      .max(largestSecret, `At most ${largestSecret} characters.`)
      .meta({ description: 'Sealed at once; no answer, log or audit ever holds it', writeOnly: true }),
  })
  .meta({ id: 'SecretValue' });

export const Secret = z
  .object({
    name: z.string(),
    revision: z.int().meta({ description: '1 when it was set; every rotation adds one' }),
    keyId: z.string().meta({ description: 'The key that seals it' }),
    setBy: z.string(),
    setAt: Instant,
    usedBy: z.array(z.string()).meta({ description: 'Agents on whose calls it is used' }),
    usedAt: z.array(z.string()).meta({ description: 'Where the configuration names it' }),
  })
  .meta({ id: 'Secret' });
export const SecretPage = pageOf(Secret, 'SecretPage');
export const RemovedSecret = z.object({ name: z.string(), removed: z.literal(true) }).meta({ id: 'RemovedSecret' });

export type Secret = z.infer<typeof Secret>;
export type SecretPage = z.infer<typeof SecretPage>;
export type RemovedSecret = z.infer<typeof RemovedSecret>;
