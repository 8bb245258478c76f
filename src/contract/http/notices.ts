import { z } from 'zod';
import { noticeEvents } from '../../core/notice.ts';
import { Instant, OneLine } from './fields.ts';
import { PageQuery, pageOf } from './page.ts';

const Subject = OneLine(300).meta({
  description: 'A notice, or what notices are about: a stop, an approval, an agent, a gateway',
});

export const NoticesQuery = PageQuery.extend({
  subject: Subject.optional(),
  unacknowledged: z.enum(['true', 'false']).default('false'),
  escalated: z.enum(['true', 'false']).default('false').meta({
    description: 'Those alone for which people are called, and that nobody has said to have seen',
  }),
});

export const Delivery = z
  .object({
    endpoint: z.string(),
    rung: z.string().meta({ description: 'Whom it was to reach as a step of an escalation; empty for the others' }),
    afterMs: z.int().meta({ description: 'So long after it was noted, if it is a step of an escalation' }),
    state: z.enum(['open', 'delivered', 'failed', 'skipped']),
    attempts: z.int(),
    answer: z.string().nullable().meta({ description: 'A status or a code, never what the other side wrote' }),
    endedAt: Instant.nullable(),
  })
  .meta({ id: 'Delivery' });

export const Notice = z
  .object({
    noticeId: z.string(),
    event: z.enum(noticeEvents),
    subject: z.string(),
    about: z.string().meta({ description: 'What the subject is, by the names that people know' }),
    title: z.string(),
    lines: z.array(z.string()).meta({ description: 'What was told with it, one plain line each' }),
    path: z.string().meta({ description: 'Where it is seen to: a path of the console' }),
    agents: z.array(z.string()),
    notedAt: Instant,
    quiet: z.string().nullable().meta({ description: 'Why it is not told on its own; null where it is' }),
    escalates: z.boolean().meta({ description: 'People are called one after the other until somebody has seen it' }),
    acknowledgedAt: Instant.nullable(),
    acknowledgedBy: z.string().nullable(),
    deliveries: z.array(Delivery),
  })
  .meta({ id: 'Notice' });
export const NoticePage = pageOf(Notice, 'NoticePage');

export const AcknowledgeNotices = z.strictObject({
  what: Subject,
  until: z.iso
    .datetime('An instant in UTC is expected, as `notedAt` has it.')
    .optional()
    .meta({ description: 'Nothing that was noted later: nobody has seen it yet' }),
});
export const Acknowledged = z
  .object({ what: z.string(), notices: z.int().meta({ description: 'How many had not been acknowledged' }) })
  .meta({ id: 'Acknowledged' });

export const TestNotice = z.strictObject({
  endpoint: OneLine(63).optional().meta({ description: 'All of them without it' }),
});
export const TestNoticeResult = z
  .object({ noticeId: z.string(), endpoints: z.array(z.string()) })
  .meta({ id: 'TestNoticeResult' });

export type Delivery = z.infer<typeof Delivery>;
export type Notice = z.infer<typeof Notice>;
export type NoticePage = z.infer<typeof NoticePage>;
export type AcknowledgeNotices = z.infer<typeof AcknowledgeNotices>;
export type Acknowledged = z.infer<typeof Acknowledged>;
export type TestNoticeResult = z.infer<typeof TestNoticeResult>;
