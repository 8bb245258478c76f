import { z } from 'zod';
import { toCsv, toCsvLines, toJsonLines } from '../../contract/audit-export.ts';
import { type AuditEvent, AuditExportQuery, AuditPage, AuditQuery } from '../../contract/http/audit.ts';
import { type AuditEventRecord, type AuditTrailFilter, auditTrail } from '../../store/audit-trail.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { exportStream } from '../export-stream.ts';

/** Of one read: what is exported is written page by page. */
const exportedAtOnce = 1_000;

export const listAudit = defineEndpoint({
  method: 'get',
  path: '/v1/audit',
  id: 'listAudit',
  summary: 'Who did what, refused attempts among it, newest first',
  permission: 'audit:read',
  input: { path: nothing, query: AuditQuery, body: nothing },
  answers: [{ status: 200, description: 'One page', schema: AuditPage }],
  problems: [],
  handle: async ({ query }, _request, deps) => {
    const page = await auditTrail(deps.store, filterOf(query), query.limit);
    return { status: 200, body: { items: page.items.map(show), next: page.next ?? null } };
  },
});

export const exportAudit = defineEndpoint({
  method: 'get',
  path: '/v1/audit/export',
  id: 'exportAudit',
  summary: 'The same as one file, to its end; a file that could not be finished ends as a connection that broke',
  permission: 'audit:read',
  input: { path: nothing, query: AuditExportQuery, body: nothing },
  answers: [
    {
      status: 200,
      description: 'Lines of JSON, or CSV that no spreadsheet runs',
      schema: z.string(),
      mediaType: 'text/plain',
    },
  ],
  problems: [],
  handle: async ({ query }, request, deps) => {
    const filter = filterOf(query);
    const isCsv = query.format === 'csv';
    const file = await exportStream(
      (cursor) => auditTrail(deps.store, { ...filter, ...(cursor === undefined ? {} : { cursor }) }, exportedAtOnce),
      (items, isFirst) => {
        const events = items.map(show);
        return isCsv ? (isFirst ? toCsv(events) : toCsvLines(events)) : toJsonLines(events);
      },
      request,
    );
    return new Response(file, {
      headers: {
        'content-type': isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/jsonl; charset=utf-8',
        'content-disposition': `attachment; filename="estop-audit.${query.format}"`,
        'cache-control': 'no-store',
      },
    });
  },
});

function filterOf(
  query: {
    readonly [name in 'kind' | 'actor' | 'subject' | 'since' | 'until' | 'cursor']?: string | undefined;
  },
): AuditTrailFilter {
  const names = ['kind', 'actor', 'subject', 'since', 'until', 'cursor'] as const;
  return Object.fromEntries(
    names.flatMap((name) => (query[name] === undefined || query[name] === '' ? [] : [[name, query[name]]])),
  );
}

const show = (event: AuditEventRecord): AuditEvent => ({
  at: event.at,
  kind: event.kind,
  actor: event.actor,
  subject: event.subject,
  method: event.method,
  reason: event.reason ?? null,
  before: event.before ?? null,
  after: event.after ?? null,
  detail: event.detail,
});
