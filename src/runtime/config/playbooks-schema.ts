import { z } from 'zod';
import { type Playbook, waitingPhases } from '../../core/playbook.ts';
import { parseScopeKey } from '../../core/scope-key.ts';
import { unknownName } from './unknown-name.ts';

const graceCeilingMs = 60_000;
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const kinds = ['fleet', 'agent', 'task', 'tool', 'connector', 'model', 'label'];

const playbook = z
  .strictObject({
    environments: z
      .array(name)
      .min(1)
      .max(20)
      .describe('Where it is approved. In any other environment it is not there.'),
    match: z
      .strictObject({
        scopes: z
          .array(
            z
              .string()
              .refine(
                (text) => kinds.includes(text) || parseScopeKey(text) !== undefined,
                'must be a kind of scope or a scope key',
              ),
          )
          .max(50)
          .default([]),
        labels: z.record(z.string().max(63), z.string().max(63)).default({}),
        triggers: z.array(name).max(50).default([]),
      })
      .prefault({}),
    category: z
      .union([z.literal(0), z.literal(1)])
      .default(0)
      .describe('For what a trigger orders without saying.'),
    grace: z
      .string()
      .regex(/^[1-9][0-9]?s$/, 'must be seconds, such as 10s')
      .transform((text) => Number.parseInt(text, 10) * 1_000)
      .refine((ms) => ms <= graceCeilingMs, 'is at most 60s')
      .optional(),
    waits: z
      .array(z.enum(waitingPhases))
      .max(waitingPhases.length)
      .default([])
      .describe('Phases that a person must let go. What cuts access is none of them.'),
    notify: z.array(z.string()).max(20).default([]).describe('Endpoints that hear of such a stop besides.'),
  })
  .refine(({ category, grace }) => grace === undefined || category === 1, 'a grace goes with category 1');

/** `playbooks:`, by name. The order in which they are written is the order in which they are looked at. */
export const playbooksBlock = z
  .record(name, playbook)
  .optional()
  .describe('What was agreed beforehand about stops of a kind.');

interface Around {
  readonly endpoints: readonly string[];
  readonly triggers: readonly string[];
}

export function playbooksOf(
  written: z.output<typeof playbooksBlock>,
  { endpoints, triggers }: Around,
  problems: { readonly path: readonly (string | number)[]; readonly message: string }[],
): { playbooks?: readonly Playbook[] } {
  if (written === undefined) return {};
  for (const [playbookId, { notify, match }] of Object.entries(written)) {
    notify.forEach((endpoint, index) => {
      if (!endpoints.includes(endpoint))
        problems.push({
          path: ['playbooks', playbookId, 'notify', index],
          message: unknownName('endpoint', endpoint, 'notifications.endpoints', endpoints),
        });
    });
    match.triggers.forEach((trigger, index) => {
      if (!triggers.includes(trigger))
        problems.push({
          path: ['playbooks', playbookId, 'match', 'triggers', index],
          message: unknownName('trigger', trigger, 'triggers', triggers),
        });
    });
  }
  return {
    playbooks: Object.entries(written).map(([playbookId, { grace, ...rest }]) => ({
      playbookId,
      ...rest,
      graceMs: grace ?? 0,
    })),
  };
}
