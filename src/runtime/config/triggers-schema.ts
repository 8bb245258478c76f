import { z } from 'zod';
import type { SecretAt } from '../../contract/config.ts';
import type { TriggerSpec } from '../../contract/triggers.ts';
import { fieldLength, ledgerEvents, mayHold, parseTemplate, triggerSources } from '../../core/trigger.ts';

const graceCeilingMs = 60_000;
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const field = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/);

const rule = z
  .strictObject({
    match: z
      .record(field, z.string().max(fieldLength))
      .default({})
      .describe('What must be so in the alert: `type` and texts of `data`, labels, or `event` and its facts.'),
    scope: z
      .string()
      .refine(
        (text) => parseTemplate(text) !== undefined,
        'must be a scope key, or one with a field of the alert as its id, such as agent:{agent}',
      ),
    action: z.enum(['stop', 'hold']),
    category: z.union([z.literal(0), z.literal(1)]).optional(),
    grace: z
      .string()
      .regex(/^[1-9][0-9]?s$/, 'must be seconds, such as 10s')
      .transform((text) => Number.parseInt(text, 10) * 1_000)
      .refine((ms) => ms <= graceCeilingMs, 'is at most 60s')
      .optional(),
  })
  .refine(
    ({ action, scope }) => action === 'stop' || mayHold(parseTemplate(scope)?.kind ?? 'fleet'),
    'only an agent or a task can be held; anything else is stopped',
  )
  .refine(({ category, grace }) => grace === undefined || category === 1, 'a grace goes with category 1');

/** `triggers:`, by name. */
export const triggersBlock = (secretAt: z.ZodType<SecretAt>) =>
  z
    .record(
      name,
      z
        .strictObject({
          from: z.enum(triggerSources).describe('ledger: what happens here, such as a breaker that trips.'),
          secrets: z.array(secretAt).max(3).default([]).describe('whsec_ and base64; any of them may have signed.'),
          bearer: secretAt.optional().describe('What Alertmanager sends along as `authorization.credentials`.'),
          outageToken: secretAt
            .optional()
            .describe('A token that may stop: while the store is away, stops go to the stop process under it.'),
          rules: z.array(rule).min(1).max(100).describe('The first that fits counts.'),
        })
        .refine(
          ({ from, secrets, bearer }) =>
            from === 'ledger'
              ? secrets.length === 0 && bearer === undefined
              : from === 'webhook'
                ? secrets.length > 0 && bearer === undefined
                : secrets.length > 0 !== (bearer !== undefined),
          'a webhook needs secrets, alertmanager secrets or a bearer, and what comes from the ledger neither',
        )
        .refine(
          ({ from, rules }) =>
            from !== 'ledger' || rules.every(({ match }) => ledgerEvents.some((event) => event === match['event'])),
          `each rule on the ledger matches an event: ${ledgerEvents.join(', ')}`,
        ),
    )
    .optional()
    .describe('Alerts that stop or hold. Nothing in an alert can take a stop back.');

export function triggersOf(written: z.output<ReturnType<typeof triggersBlock>>): { triggers?: readonly TriggerSpec[] } {
  if (written === undefined) return {};
  return {
    triggers: Object.entries(written).map(([triggerId, { from, secrets, bearer, outageToken, rules }]) => ({
      triggerId,
      from,
      secrets,
      ...(bearer === undefined ? {} : { bearer }),
      ...(outageToken === undefined ? {} : { outageToken }),
      rules: rules.map(({ match, scope, action, category, grace }) => ({
        match,
        scope,
        action,
        ...(category === undefined ? {} : { category }),
        ...(grace === undefined ? {} : { graceMs: grace }),
      })),
    })),
  };
}
