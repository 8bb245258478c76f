import { z } from 'zod';
import { network } from '../kit/address.ts';
import { secretReference } from '../kit/secret-reference.ts';

/** The connector's block in estop.yaml. */
export const oauthOptions = z.strictObject({
  issuer: z
    .url({ protocol: /^https?$/ })
    .describe('Its metadata is read from /.well-known (RFC 8414, or OpenID Connect Discovery).'),
  network,
  initialAccessToken: secretReference.describe('Lets us register one client for each grant (RFC 7591).'),
  control: z
    .strictObject({ clientId: z.string().min(1), clientSecret: secretReference })
    .describe('A client outside every scope: the positive control of each probe.'),
  resourceUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'What the tokens open. With it a probe uses the old token itself; without it only the issuer is asked (weaker).',
    ),
});
export type OauthOptions = z.output<typeof oauthOptions>;

export const oauthGrant = z.strictObject({
  scope: z
    .string()
    .regex(/^[\x21\x23-\x5B\x5D-\x7E]+( [\x21\x23-\x5B\x5D-\x7E]+)*$/, 'is not a scope (RFC 6749 section 3.3)')
    .max(1_000)
    .optional(),
});
