import { NoticePage, NoticesQuery } from '../../contract/http/notices.ts';
import { tell } from '../../contract/notice-words.ts';
import { type NoticeRecord, noticePage } from '../../store/notices.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { pageRequest } from '../page-request.ts';

const told = (notice: NoticeRecord) => {
  const { lines, ...rest } = tell(notice);
  return { ...rest, lines: [...lines] };
};

export const listNotices = defineEndpoint({
  method: 'get',
  path: '/v1/notices',
  id: 'listNotices',
  summary: 'What people were told, whom, and what became of it, newest first',
  permission: 'notice:read',
  input: { path: nothing, query: NoticesQuery, body: nothing },
  answers: [{ status: 200, description: 'One page', schema: NoticePage }],
  problems: [],
  handle: async ({ query }, _request, deps) => {
    const { subject, unacknowledged, escalated } = query;
    const page = await noticePage(deps.store, {
      ...pageRequest(query),
      ...(subject === undefined ? {} : { subject }),
      unacknowledged: unacknowledged === 'true',
      escalated: escalated === 'true',
    });
    const items = page.items.map((notice) => ({
      noticeId: notice.noticeId,
      event: notice.event,
      subject: notice.subject,
      ...told(notice),
      agents: notice.agents,
      notedAt: notice.notedAt,
      quiet: notice.quiet ?? null,
      escalates: notice.escalates,
      acknowledgedAt: notice.ackedAt ?? null,
      acknowledgedBy: notice.ackedBy ?? null,
      deliveries: notice.deliveries.map(({ endpoint, rung, afterMs, state, attempts, answer, endedAt }) => ({
        endpoint,
        rung,
        afterMs,
        state,
        attempts,
        answer: answer ?? null,
        endedAt: endedAt ?? null,
      })),
    }));
    return { status: 200, body: { items, next: page.next ?? null } };
  },
});
