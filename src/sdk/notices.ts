import type { Acknowledged, NoticePage, TestNoticeResult } from '../contract/http/notices.ts';
import type { Transport } from './transport.ts';

export interface Notices {
  list(query?: {
    readonly subject?: string;
    readonly unacknowledged?: boolean;
    /** Those alone for which people are called, and that nobody has said to have seen. */
    readonly escalated?: boolean;
    readonly limit?: number;
    /** `next` of the page before. */
    readonly cursor?: string;
  }): Promise<NoticePage>;
  /** A notice, or what notices are about (a stop, say): nobody else is called because of it. */
  acknowledge(what: string): Promise<Acknowledged>;
  test(endpoint?: string): Promise<TestNoticeResult>;
}

export function createNotices(call: Transport, baseUrl: string): Notices {
  return {
    list: ({ subject, unacknowledged, escalated, limit, cursor } = {}) =>
      call({
        method: 'GET',
        baseUrl,
        path: '/v1/notices',
        query: {
          subject,
          limit,
          cursor,
          ...(unacknowledged === true ? { unacknowledged: 'true' } : {}),
          ...(escalated === true ? { escalated: 'true' } : {}),
        },
      }),
    acknowledge: (what) => call({ method: 'POST', baseUrl, path: '/v1/notices:acknowledge', body: { what } }),
    test: (endpoint) =>
      call({
        method: 'POST',
        baseUrl,
        path: '/v1/notices:test',
        isRepeated: true,
        body: endpoint === undefined ? {} : { endpoint },
      }),
  };
}
