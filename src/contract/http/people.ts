/** People, where they are signed in, and the tokens they made, as the API shows them. */
import { z } from 'zod';
import { type IdKind, parseId } from '../../core/ids.ts';
import { personRoles } from '../../core/mandate.ts';
import { Instant, OneLine } from './fields.ts';
import { PageQuery, pageOf } from './page.ts';

const id = (kind: IdKind) =>
  z
    .string()
    .max(64, 'This id is too long.')
    .refine((text) => parseId(text)?.kind === kind, `This id looks like ${kind}_dev_ and 26 letters and digits.`);

const Labels = z.record(z.string(), z.string()).meta({ description: 'Only over agents that carry all of these' });

export const Mandate = z
  .object({
    role: z.enum([...personRoles, 'service']),
    labels: Labels.nullable(),
    since: Instant.nullable().meta({ description: 'What was asked for before is not decided by it' }),
  })
  .meta({ id: 'Mandate' });

export const WhoAmI = z
  .object({
    actor: z.string(),
    person: z.string().meta({ description: 'Whom you are taken for wherever two people are needed' }),
    roles: z.array(z.string()).meta({ description: 'Over everything' }),
    mandates: z.array(Mandate).meta({ description: 'All that you were given, with bounds and dates' }),
    elevation: z.object({ elevationId: z.string(), role: z.enum(personRoles), until: Instant }).nullable(),
    signInId: z.string().nullable(),
  })
  .meta({ id: 'WhoAmI' });

export const Person = z
  .object({
    personId: z.string(),
    name: z.string(),
    person: z.string(),
    issuer: z.string(),
    groups: z.array(z.string()),
    mandates: z.array(Mandate),
    firstAt: Instant,
    seenAt: Instant.nullable(),
    disabledAt: Instant.nullable(),
    disabledBy: z.string().nullable(),
  })
  .meta({ id: 'Person' });
export const PersonPage = pageOf(Person, 'PersonPage');
export const PersonPath = z.strictObject({ id: id('person') });
export const PersonResult = z
  .object({ personId: z.string(), outcome: z.enum(['done', 'already']) })
  .meta({ id: 'PersonResult' });

export const SignIn = z
  .object({
    signInId: z.string(),
    name: z.string(),
    method: z.enum(['link', 'oidc', 'device']),
    agent: z.string().meta({ description: 'What the browser or terminal said of itself: show it as text' }),
    isThis: z.boolean().meta({ description: 'The one that this request came with' }),
    madeAt: Instant,
    seenAt: Instant,
    endsAt: Instant,
  })
  .meta({ id: 'SignIn' });
export const SignInPage = pageOf(SignIn, 'SignInPage');
export const SignInPath = z.strictObject({ id: id('sign') });
export const SignInResult = z
  .object({ signInId: z.string(), outcome: z.enum(['done', 'already']) })
  .meta({ id: 'SignInResult' });
export const WhoseQuery = z.strictObject({
  all: z.enum(['true', 'false']).default('false').meta({ description: 'Those of everybody; for admins' }),
});

export const ApiToken = z
  .object({
    tokenId: z.string(),
    name: z.string(),
    person: z.string(),
    mandates: z.array(Mandate),
    madeBy: z.string(),
    madeAt: Instant,
    expiresAt: Instant,
    usedAt: Instant.nullable().meta({ description: 'To within 15 s' }),
    revokedAt: Instant.nullable(),
    revokedBy: z.string().nullable(),
  })
  .meta({ id: 'ApiToken' });
export const ApiTokenPage = pageOf(ApiToken, 'ApiTokenPage');
export const ApiTokenPath = z.strictObject({ id: id('api') });
export const MakeApiToken = z
  .strictObject({
    name: OneLine(100).meta({ description: 'What will use it', example: 'nightly-report' }),
    roles: z
      .array(z.enum([...personRoles, 'service']))
      .min(1, 'At least one role.')
      .max(5),
    labels: Labels.optional(),
    days: z.int().min(1).max(365).default(90),
    forService: z.boolean().default(false).meta({
      description:
        'Belongs to a service and stays when its maker leaves; for admins. Otherwise it can never do more than its maker.',
    }),
  })
  .meta({ id: 'MakeApiToken' });
export const MadeApiToken = z
  .object({
    token: z.string().meta({ description: 'Shown once, kept nowhere' }),
    tokenId: z.string(),
    expiresAt: Instant,
  })
  .meta({ id: 'MadeApiToken' });
export const ApiTokenResult = z
  .object({ tokenId: z.string(), outcome: z.enum(['done', 'already']) })
  .meta({ id: 'ApiTokenResult' });

export const Elevation = z
  .object({
    elevationId: z.string(),
    name: z.string(),
    role: z.string(),
    reason: z.string(),
    rule: z.enum(['second-person', 'review']),
    state: z.enum(['asked', 'active', 'to-review', 'reviewed', 'lapsed']),
    minutes: z.number(),
    askedAt: Instant,
    grantedAt: Instant.nullable(),
    grantedBy: z.string().nullable(),
    endsAt: Instant.nullable(),
    endedAt: Instant.nullable().meta({ description: 'Where it was ended before its time' }),
    endedBy: z.string().nullable(),
    reviewedAt: Instant.nullable(),
    reviewedBy: z.string().nullable(),
    verdict: z.enum(['justified', 'not-justified']).nullable(),
    reviewNote: z.string().nullable(),
  })
  .meta({ id: 'Elevation' });
export const ElevationPage = pageOf(Elevation, 'ElevationPage');
export const ElevationDetail = Elevation.extend({
  used: z
    .array(z.object({ at: Instant, what: z.string(), path: z.string() }))
    .meta({ description: 'What was done under it, the newest first: one page' }),
  usedInAll: z.int().meta({ description: 'How much was done under it, on all pages' }),
  next: z.string().nullable().meta({ description: 'Cursor of the next page of it; null on the last one' }),
  stops: z.array(z.string()).meta({ description: 'Stops that were ordered under it, all of them' }),
}).meta({ id: 'ElevationDetail' });
export const ElevationPath = z.strictObject({ id: id('elev') });
export const ElevationQuery = PageQuery;
export const ElevationsQuery = z.strictObject({
  all: z.enum(['true', 'false']).default('false').meta({ description: 'Also those that are reviewed or lapsed' }),
});
export const AskElevation = z
  .strictObject({
    role: z.enum(personRoles),
    minutes: z.int().min(1).max(1_440),
    reason: OneLine(2_000),
  })
  .meta({ id: 'AskElevation' });
export const ReviewElevation = z
  .strictObject({ verdict: z.enum(['justified', 'not-justified']), note: OneLine(2_000) })
  .meta({ id: 'ReviewElevation' });

export type WhoAmI = z.infer<typeof WhoAmI>;
export type Person = z.infer<typeof Person>;
export type PersonPage = z.infer<typeof PersonPage>;
export type PersonResult = z.infer<typeof PersonResult>;
export type SignIn = z.infer<typeof SignIn>;
export type SignInPage = z.infer<typeof SignInPage>;
export type SignInResult = z.infer<typeof SignInResult>;
export type ApiToken = z.infer<typeof ApiToken>;
export type ApiTokenPage = z.infer<typeof ApiTokenPage>;
export type MakeApiToken = z.input<typeof MakeApiToken>;
export type MadeApiToken = z.infer<typeof MadeApiToken>;
export type ApiTokenResult = z.infer<typeof ApiTokenResult>;
export type Elevation = z.infer<typeof Elevation>;
export type ElevationPage = z.infer<typeof ElevationPage>;
export type ElevationDetail = z.infer<typeof ElevationDetail>;
export type AskElevation = z.infer<typeof AskElevation>;
export type ReviewElevation = z.infer<typeof ReviewElevation>;
