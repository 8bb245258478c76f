import { z } from 'zod';
import type { SecretAt } from '../../contract/config.ts';
import type { Role } from '../../contract/identity.ts';
import type { EndpointSpec, NotificationsSpec } from '../../contract/notifications.ts';
import { noticeEvents, rungs } from '../../core/notice.ts';
import { unknownName } from './unknown-name.ts';

const kinds = [...new Set(noticeEvents.map((event) => event.split('.')[0] ?? ''))];
const pattern = z.enum([...noticeEvents, ...kinds.map((kind) => `${kind}.*`)] as [string, ...string[]]); // never empty: events are a constant

const units = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const span = z
  .string()
  .regex(/^(?:0|[1-9][0-9]{0,4})(s|m|h)$/, 'must be a whole number with s, m or h, such as 5m')
  .transform((text) => Number.parseInt(text, 10) * units[text.slice(-1) as keyof typeof units]); // the pattern admits exactly these units
const network = z.enum(['public', 'private', 'loopback']).default('public');
const everything = kinds.map((kind) => `${kind}.*`);
const events = z
  .array(pattern)
  .max(50)
  .default(everything)
  .describe('What it hears of; everything where nothing is said.');
const person = z.string().min(1).max(200);
const defaultSteps = [
  { to: 'owner', after: '0s' },
  { to: 'stop-holder', after: '5m' },
  { to: 'on-call', after: '15m' },
] as const;
const defaultAlarms = [
  'stop.latched',
  'stop.burst',
  'stop.proof-withdrawn',
  'obligation.needs-human',
  'gateway.lost',
  'elevation.begun',
];
const chatRoles = ['approver', 'operator', 'admin'] as const satisfies readonly Role[];

const plainHttp = (url: string, allowed: string): boolean => !url.startsWith('http:') || allowed !== 'public';

const endpointBlock = (secretAt: z.ZodType<SecretAt>) =>
  z.discriminatedUnion('type', [
    z
      .strictObject({
        type: z.literal('webhook'),
        url: z.url({ protocol: /^https?$/ }),
        secrets: z.array(secretAt).min(1).max(3).describe('whsec_ and base64. The newest first; all of them sign.'),
        events,
        network,
      })
      .refine(({ url, network: reach }) => plainHttp(url, reach), 'must be https on a public network'),
    z
      .strictObject({
        type: z.literal('slack'),
        baseUrl: z.url({ protocol: /^https?$/ }).default('https://slack.com/api'),
        token: secretAt,
        channel: z.string().regex(/^[A-Z0-9]{1,32}$/, 'must be the id of a channel, such as C024BE91L'),
        events,
        network,
        buttons: z
          .strictObject({
            signingSecret: secretAt,
            team: z.string().regex(/^[A-Z0-9]{1,32}$/),
            people: z.record(
              z.string().regex(/^[UW][A-Z0-9]{1,31}$/, 'must be the id of a member, such as U024BE7LH'),
              z.strictObject({ actor: person, roles: z.array(z.enum(chatRoles)).min(1).max(3) }),
            ),
          })
          .optional()
          .describe('Off unless it is here: who may answer an approval by a button, and as whom.'),
      })
      .refine(({ baseUrl, network: reach }) => plainHttp(baseUrl, reach), 'must be https on a public network'),
  ]);

/** `notifications:` of the whole installation. */
export const notificationsBlock = (secretAt: z.ZodType<SecretAt>) =>
  z
    .strictObject({
      endpoints: z
        .record(z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/), endpointBlock(secretAt))
        .default({}),
      contacts: z
        .record(person, z.string())
        .default({})
        .describe('Person (an owner or a stop-holder), and the endpoint that reaches them.'),
      onCall: z.array(z.string()).max(10).default([]).describe('Endpoints of whoever is on call.'),
      escalation: z
        .strictObject({
          events: z.array(pattern).max(50).default(defaultAlarms).describe('What somebody must acknowledge.'),
          steps: z
            .array(z.strictObject({ to: z.enum(rungs), after: span }))
            .max(10)
            .prefault([...defaultSteps])
            .describe('Who is told, and how long after, until somebody acknowledges.'),
        })
        .prefault({}),
      crowd: z
        .strictObject({ stops: z.int().min(1).max(10_000).default(20), within: span.default(60_000) })
        .prefault({})
        .describe(
          'More stops than this in that time: one alarm instead of a notice for each. All of them are latched.',
        ),
    })
    .optional()
    .describe('Who is told of what. Nothing waits for it, and nothing is decided by it.');

type Parsed = NonNullable<z.output<ReturnType<typeof notificationsBlock>>>;

interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function notificationsOf(
  written: Parsed | undefined,
  problems: Problem[],
): { notifications?: NotificationsSpec } {
  if (written === undefined) return {};
  const mustExist = (endpoint: string, path: Problem['path']): void => {
    if (!Object.hasOwn(written.endpoints, endpoint))
      problems.push({
        path: ['notifications', ...path],
        message: unknownName('endpoint', endpoint, 'endpoints', Object.keys(written.endpoints)),
      });
  };
  for (const [name, endpoint] of Object.entries(written.contacts)) mustExist(endpoint, ['contacts', name]);
  written.onCall.forEach((endpoint, index) => mustExist(endpoint, ['onCall', index]));
  const steps = written.escalation.steps.map(({ to, after }) => ({ to, afterMs: after }));
  if (steps.some((step, index) => step.afterMs < (steps[index - 1]?.afterMs ?? 0)))
    problems.push({
      path: ['notifications', 'escalation', 'steps'],
      message: 'must stand in the order of their times',
    });
  const { contacts, onCall } = written;
  return {
    notifications: {
      endpoints: Object.entries(written.endpoints).map(([endpointId, block]) => endpointOf(endpointId, block)),
      escalation: { events: written.escalation.events, steps, contacts, onCall },
      crowd: { stops: written.crowd.stops, withinMs: written.crowd.within },
    },
  };
}

function endpointOf(endpointId: string, block: Parsed['endpoints'][string]): EndpointSpec {
  if (block.type === 'webhook') return { endpointId, ...block };
  const { buttons, ...rest } = block;
  if (buttons === undefined) return { endpointId, ...rest };
  const people = Object.entries(buttons.people).map(([userId, who]) => ({ userId, ...who }));
  return { endpointId, ...rest, buttons: { signingSecret: buttons.signingSecret, teamId: buttons.team, people } };
}
