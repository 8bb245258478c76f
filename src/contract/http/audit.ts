import { z } from 'zod';
import { Instant } from './fields.ts';
import { PageQuery, pageOf } from './page.ts';

const filters = {
  kind: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'How its kind begins, for example `stop.` or `request.denied`' }),
  actor: z.string().max(200).optional(),
  subject: z.string().max(400).optional().meta({ description: 'The id of what it was done to' }),
  since: Instant.optional(),
  until: Instant.optional(),
};

export const AuditEvent = z
  .object({
    at: Instant,
    kind: z.string(),
    actor: z.string(),
    subject: z.string(),
    method: z.string().meta({
      description:
        'By which way: `console`, `cli`, `api`, `slack`, `trigger`, `mcp`, a way to sign in, or the process that did it by itself; `+break-glass` under a role that was taken for a while',
    }),
    reason: z.string().nullable().meta({ description: 'Null: nobody was asked for one, or none was given' }),
    before: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What it was; null where there was nothing, or nothing was changed' }),
    after: z.record(z.string(), z.unknown()).nullable().meta({ description: 'What it is since' }),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditEvent' });
export const AuditPage = pageOf(AuditEvent, 'AuditPage');
export const AuditQuery = PageQuery.extend(filters);
export const AuditExportQuery = z.strictObject({ ...filters, format: z.enum(['csv', 'jsonl']).default('jsonl') });

export type AuditEvent = z.infer<typeof AuditEvent>;
export type AuditPage = z.infer<typeof AuditPage>;
export type AuditQuery = z.infer<typeof AuditQuery>;
