import { z } from 'zod';
import type { SignInSpec } from '../../contract/config.ts';
import { isName } from '../../core/ids.ts';
import { personRoles } from '../../core/mandate.ts';
import { localSecret } from './credential-schema.ts';

const hour = 3_600_000;
const group = z.string().min(1).max(200);
/** Addresses are compared in lower case: no provider that verifies one tells two people apart by its capitals. */
const who = z
  .string()
  .min(1)
  .max(320)
  .transform((text) => (text.startsWith('sub:') ? text : text.toLowerCase()))
  .describe('A verified e-mail address, or `sub:` and the subject that the identity provider gives.');

interface Parts {
  readonly duration: z.ZodType<number>;
  readonly labels: z.ZodType<Record<string, string>>;
}

/** `signIn` of estop.yaml: how people and services prove who they are, and what each may then do. */
export const signInBlock = ({ duration, labels }: Parts) =>
  z
    .strictObject({
      idle: duration.optional().describe('A sign-in that is not used for so long is over; 12h where nothing is said.'),
      life: duration.optional().describe('A sign-in is over after that, whatever happens; 168h where nothing is said.'),
      oidc: z
        .strictObject({
          issuer: z.url({ protocol: /^https?$/ }),
          clientId: z.string().min(1).max(200),
          clientSecret: localSecret.optional(),
          deviceClientId: z
            .string()
            .min(1)
            .max(200)
            .optional()
            .describe('The public client of `estop login`, which signs in terminals.'),
          scopes: z.array(z.string().min(1).max(100)).max(20).default(['openid', 'email']),
          groupsClaim: z.string().min(1).max(200).default('groups'),
          network: z.enum(['public', 'private', 'loopback']).default('public'),
        })
        .optional()
        .describe('The identity provider of people (OpenID Connect).'),
      services: z
        .record(
          z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
          z.strictObject({
            issuer: z.url({ protocol: /^https?$/ }),
            audience: z.string().min(1).max(200),
            jwksUri: z.url({ protocol: /^https?$/ }),
            subject: z.string().min(1).max(320),
            roles: z.array(z.enum(['service', 'viewer', 'operator'])).min(1),
            person: who.optional().describe('Who stands behind it: never a second person beside it.'),
            network: z.enum(['public', 'private', 'loopback']).default('public'),
          }),
        )
        .default({})
        .describe('Services that come with a JWT of an issuer of their own.'),
      roles: z
        .array(
          z.strictObject({
            role: z.enum(personRoles),
            people: z.array(who).max(1_000).default([]),
            groups: z.array(group).max(200).default([]),
            labels: labels.optional().describe('Only for agents that carry all of these.'),
          }),
        )
        .max(500)
        .default([]),
      persons: z
        .record(z.string().min(1).max(200), z.array(who).max(20))
        .default({})
        .describe('One person, and the several names under which they come. They never count as two people.'),
      breakGlass: z
        .strictObject({
          people: z.array(who).max(1_000).default([]),
          groups: z.array(group).max(200).default([]),
          roles: z.array(z.enum(personRoles)).min(1),
          longest: duration.default(hour),
          rule: z.enum(['second-person', 'review']).default('second-person'),
        })
        .optional()
        .describe('Who may take a role for a while, for a reason that somebody else looks at.'),
      clientDocuments: z
        .enum(['none', 'public', 'private', 'loopback'])
        .default('public')
        .describe(
          'How far away a client of MCP whose id is an address (a Client ID Metadata Document) may be published; `none`: nothing is fetched.',
        ),
    })
    .transform(
      ({ idle, life, breakGlass, oidc, roles, services, ...rest }): SignInSpec => ({
        ...rest,
        idleMs: idle ?? 12 * hour,
        lifeMs: life ?? 168 * hour,
        ...(oidc === undefined ? {} : { oidc: onlyGiven(oidc) }),
        services: Object.entries(services).map(([serviceId, service]) => ({ serviceId, ...onlyGiven(service) })),
        roles: roles.map(onlyGiven),
        ...(breakGlass === undefined ? {} : { breakGlass: withoutLongest(breakGlass) }),
      }),
    );

const withoutLongest = <Block extends { readonly longest: number }>({ longest, ...rest }: Block) => ({
  ...rest,
  longestMs: longest,
});

type Given<Block> = { [K in keyof Block as undefined extends Block[K] ? never : K]: Block[K] } & {
  [K in keyof Block as undefined extends Block[K] ? K : never]?: Exclude<Block[K], undefined>;
};

/** Leaves out what is undefined (exactOptionalPropertyTypes). */
function onlyGiven<Block extends object>(block: Block): Given<Block> {
  // The type says exactly what the filter does.
  return Object.fromEntries(Object.entries(block).filter(([, value]) => value !== undefined)) as never;
}

/** Control reads them, so they are none of those that only a gateway opens. */
export const agentClients = z
  .record(z.string().refine(isName, 'must be a name of lower-case letters, digits and hyphens'), localSecret)
  .optional()
  .describe('Programs that may open a session of it by themselves: a name for each, and where its secret is.');
