import { z } from 'zod';
import { network } from '../../connectors/kit/address.ts';
import { neverWrittenOut } from '../../connectors/kit/secret-reference.ts';
import type { GrantCredential, SecretAt, ToolServerSpec, VaultSpec } from '../../contract/config.ts';
import { isName } from '../../core/ids.ts';

const name = z.string().refine(isName, 'must be a name of lower-case letters, digits and hyphens');
const vaultPath = z.string().regex(/^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/, 'must be a path such as team/billing');
const noClimb = vaultPath.refine((path) => !path.split('/').some((part) => part === '..' || part === '.'), 'climbs');

/** What any process can read by itself. */
export const localSecret = z
  .union(
    [
      z.strictObject({ file: z.string().min(1) }),
      z.strictObject({ env: z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of a variable, in capitals') }),
    ],
    { error: neverWrittenOut },
  )
  .describe('A secret is never a value here: name a file or an environment variable.');

/** What a gateway can open besides. */
export const upstreamSecret: z.ZodType<SecretAt> = z
  .union(
    [
      ...localSecret.options,
      z.strictObject({ secret: name }).describe('Sealed in the store by `estop secret set`.'),
      z.strictObject({ vault: z.strictObject({ path: noClimb, field: z.string().min(1).max(200) }) }),
    ],
    { error: neverWrittenOut },
  )
  .describe(
    'A secret is never a value here: name a file, an environment variable, a sealed secret or a path of the vault.',
  );

type Duration = z.ZodType<number>;

export const credentialKeys = (duration: Duration) => ({
  credential: z
    .union([
      upstreamSecret,
      z.strictObject({
        grant: name.describe('The connector that issues it, for each task at its first call.'),
        field: z.string().min(1).max(100).default('accessToken').describe('Which part of it is the bearer token.'),
        life: duration.optional(),
        options: z.unknown().default({}),
        list: upstreamSecret.optional().describe('With what the gateway itself lists the tools.'),
      }),
    ])
    .optional(),
  credentials: z
    .record(name, upstreamSecret)
    .optional()
    .describe(
      'A credential for each agent. One that is not named here is denied; `credential` then serves for lists alone.',
    ),
  sharedBy: z
    .array(name)
    .max(1_000)
    .optional()
    .describe('Agents that this server knows by one and the same credential. Without it, that is refused.'),
});

const defaultGrantLifeMs = 15 * 60_000;

/** A credential that a task of an agent gets for itself. */
export const grantBlock = (nameSchema: z.ZodType<string>, duration: Duration) =>
  z.strictObject({
    name: nameSchema,
    connector: nameSchema,
    life: duration.default(defaultGrantLifeMs),
    when: z
      .enum(['start', 'first-use'])
      .optional()
      .describe('When it is issued: as the task begins (if you say nothing), or when it is first asked for.'),
    options: z.unknown().default({}),
  });

interface Block {
  readonly credential?: z.output<ReturnType<typeof credentialKeys>['credential']>;
  readonly credentials?: Readonly<Record<string, SecretAt>> | undefined;
  readonly sharedBy?: readonly string[] | undefined;
}

export function credentialsOf({
  credential,
  credentials,
  sharedBy,
}: Block): Pick<ToolServerSpec, 'credential' | 'credentials' | 'grant' | 'sharedBy'> {
  return {
    ...(credential === undefined ? {} : 'grant' in credential ? grantOf(credential) : { credential }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(sharedBy === undefined ? {} : { sharedBy }),
  };
}

function grantOf(block: Extract<NonNullable<Block['credential']>, { readonly grant: string }>): {
  readonly grant: GrantCredential;
  readonly credential?: SecretAt;
} {
  const { grant: connector, field, life = defaultGrantLifeMs, options, list } = block;
  return {
    grant: { connector, field, lifeMs: life, options },
    ...(list === undefined ? {} : { credential: list }),
  };
}

const minuteMs = 60_000;
const longestStaleMs = 24 * 60 * minuteMs;

/** OpenBao or Vault, its KV secrets engine version 2. */
export const vaultBlock = (duration: Duration) =>
  z
    .strictObject({
      url: z.url({ protocol: /^https?$/ }),
      network: network.describe('How far away it may be: public, private or loopback.'),
      mount: vaultPath.default('secret'),
      namespace: vaultPath.optional(),
      token: localSecret.optional(),
      appRole: z
        .strictObject({ roleId: localSecret, secretId: localSecret, mount: vaultPath.default('approle') })
        .optional(),
      refresh: duration.default(30_000).describe('How long a value is used before it is read again.'),
      stale: duration
        .refine((ms) => ms <= longestStaleMs, 'must be at most 24h')
        .default(5 * minuteMs)
        .describe('How long a value is used while the vault does not answer.'),
    })
    .refine(({ token, appRole }) => (token === undefined) !== (appRole === undefined), 'needs either token or appRole')
    .refine(({ refresh, stale }) => refresh <= stale, 'refresh must not be longer than stale');

export function vaultOf(block: z.output<ReturnType<typeof vaultBlock>>): VaultSpec {
  const { url, network: reach, mount, namespace, token, appRole, refresh, stale } = block;
  return {
    url,
    network: reach,
    mount,
    refreshMs: refresh,
    staleMs: stale,
    ...(namespace === undefined ? {} : { namespace }),
    ...(token === undefined ? {} : { token }),
    ...(appRole === undefined ? {} : { appRole }),
  };
}
