import { type Page, type PageRequest, pageOf, readCursor } from './page.ts';
import { call, type Store } from './pool.ts';
import { json, type Row, text } from './row.ts';

/** One event of the whole trail. Stops, decisions and tasks are rows of their own tables: there they stand, and nowhere twice. */
export interface AuditEventRecord {
  readonly at: string;
  /** Orders events of one instant. */
  readonly key: string;
  readonly kind: string;
  readonly actor: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface AuditTrailFilter extends PageRequest {
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

const mostInOneRead = 10_000;

/** Each arm brings no more than a page, by its own index; what is read does not grow with the trail. Of tasks, those of an actor have no index. */
const arm = (columns: string, from: string): string => `
  (SELECT * FROM (SELECT ${columns} FROM ${from}) a (at, key, kind, actor, subject, detail)
   WHERE ($1::text IS NULL OR starts_with(kind, $1)) AND ($2::text IS NULL OR actor = $2) AND ($3::text IS NULL OR subject = $3)
     AND ($4::timestamptz IS NULL OR at >= $4) AND ($5::timestamptz IS NULL OR at < $5)
     AND ($6::timestamptz IS NULL OR (at, key) < ($6, $7))
   ORDER BY at DESC, key DESC LIMIT $8)`;

const statement = `SELECT * FROM (${[
  arm(`at, 'a' || lpad(seq::text, 19, '0'), kind, actor, subject, detail`, 'estop.audit'),
  arm(
    `latched_at, 's' || stop_id, 'stop.latched', actor, stop_id,
     jsonb_build_object('scope', scope_key, 'epoch', epoch, 'category', category, 'reason', reason, 'method', method)`,
    'estop.stops',
  ),
  arm(
    `reset_at, 'r' || stop_id, 'stop.reset', reset_by, stop_id, jsonb_build_object('scope', scope_key, 'epoch', reset_epoch, 'reason', reset_reason)`,
    'estop.stops WHERE reset_at IS NOT NULL',
  ),
  arm(
    `decided_at, 'd' || approval_id, 'approval.' || CASE WHEN state = 'denied' THEN 'denied' ELSE 'approved' END, decided_by, approval_id,
     jsonb_build_object('task', task_id, 'tool', tool_key, 'reason', decision_reason, 'digest', encode(digest, 'hex'))`,
    'estop.approvals WHERE decided_at IS NOT NULL AND decided_by IS NOT NULL',
  ),
  // Whom a task starts, it starts for whoever asked for it; that a drill was asked for is an event of its own.
  arm(
    `registered_at, 't' || task_id, 'task.started', requested_by, task_id, jsonb_build_object('kind', kind, 'agent', agent_id, 'purpose', purpose)`,
    "estop.tasks WHERE parent_id IS NULL AND kind <> 'drill'",
  ),
].join(' UNION ALL ')}) e ORDER BY at DESC, key DESC LIMIT $8`;

/** Newest first. */
export async function auditTrail(
  store: Store,
  filter: AuditTrailFilter,
  limit: number,
): Promise<Page<AuditEventRecord>> {
  const after = readCursor(filter);
  const most = Math.min(limit, mostInOneRead);
  const rows = await call(store, 'audit_trail', statement, [
    filter.kind ?? null,
    filter.actor ?? null,
    filter.subject ?? null,
    filter.since ?? null,
    filter.until ?? null,
    after?.[0] ?? null,
    after?.[1] ?? null,
    most + 1,
  ]);
  return pageOf(rows.map(eventOf), most, ({ at, key }) => [at, key]);
}

function eventOf(row: Row): AuditEventRecord {
  const detail = json(row, 'detail');
  return {
    at: text(row, 'at'),
    key: text(row, 'key'),
    kind: text(row, 'kind'),
    actor: text(row, 'actor'),
    subject: text(row, 'subject'),
    detail: typeof detail === 'object' && detail !== null ? { ...detail } : {},
  };
}
