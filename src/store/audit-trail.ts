import { type Page, type PageRequest, pageOf, readCursor } from './page.ts';
import type { Store } from './pool.ts';
import { json, type Row, text, textOrUndefined } from './row.ts';
import { storeError } from './store-error.ts';

type Facts = Readonly<Record<string, unknown>>;

/** One event of the whole trail. Stops, decisions and tasks are rows of their own tables: there they stand, and nowhere twice. */
export interface AuditEventRecord {
  readonly at: string;
  /** Orders events of one instant. */
  readonly key: string;
  readonly kind: string;
  readonly actor: string;
  readonly subject: string;
  /** By which way it was done: console, cli, api, slack, trigger, or the process that did it by itself. */
  readonly method: string;
  /** Undefined: nobody was asked for one, or none was given. */
  readonly reason: string | undefined;
  /** What it was, and what it is since; neither where nothing was changed. */
  readonly before: Facts | undefined;
  readonly after: Facts | undefined;
  readonly detail: Facts;
}

export interface AuditTrailFilter extends PageRequest {
  readonly kind?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly since?: string;
  readonly until?: string;
}

const mostInOneRead = 10_000;

interface Arm {
  /** at, key, kind, actor, subject, method, reason, before, after, detail */
  readonly columns: string;
  readonly from: string;
}

const arms: readonly Arm[] = [
  {
    columns: `at, 'a' || lpad(seq::text, 19, '0'), kind, actor, subject, method, reason, before, after, detail`,
    from: 'estop.audit',
  },
  {
    columns: `latched_at, 's' || stop_id, 'stop.latched', actor, stop_id, method, reason, jsonb_build_object('inForce', false),
      jsonb_build_object('inForce', true, 'epoch', epoch), jsonb_build_object('scope', scope_key, 'category', category)`,
    from: 'estop.stops',
  },
  {
    columns: `reset_at, 'r' || stop_id, 'stop.reset', reset_by, stop_id, reset_method, reset_reason, jsonb_build_object('inForce', true, 'epoch', epoch),
      jsonb_build_object('inForce', false, 'epoch', reset_epoch), jsonb_build_object('scope', scope_key)`,
    from: 'estop.stops WHERE reset_at IS NOT NULL',
  },
  {
    columns: `decided_at, 'd' || approval_id, 'approval.' || CASE WHEN state = 'denied' THEN 'denied' ELSE 'approved' END, decided_by, approval_id,
      decision_method, nullif(decision_reason, ''), jsonb_build_object('state', 'pending'),
      jsonb_build_object('state', CASE WHEN state = 'denied' THEN 'denied' ELSE 'approved' END),
      jsonb_build_object('task', task_id, 'tool', tool_key, 'digest', encode(digest, 'hex'))`,
    from: 'estop.approvals WHERE decided_at IS NOT NULL AND decided_by IS NOT NULL',
  },
  // Whom a task starts, it starts for whoever asked for it; that a drill was asked for is an event of its own.
  {
    columns: `registered_at, 't' || task_id, 'task.started', requested_by, task_id, method, NULL::text, NULL::jsonb,
      jsonb_build_object('state', 'registered', 'epoch', epoch), jsonb_build_object('kind', kind, 'agent', agent_id, 'purpose', purpose)`,
    from: "estop.tasks WHERE parent_id IS NULL AND kind <> 'drill'",
  },
  // Of nobody who is known: counted, so that whoever sends a flood of them fills nothing.
  {
    columns: `first_at, 'x' || door || source || subject || because || shown, 'attempt.refused', source, subject, door, NULL::text, NULL::jsonb, NULL::jsonb,
      jsonb_build_object('because', because, 'times', times, 'until', last_at) ||
        CASE WHEN shown = '' THEN '{}' ELSE jsonb_build_object('shown', shown, 'name', shown_name) END`,
    from: 'estop.refused_attempts',
  },
];

/** Newest first. Each arm brings no more than a page, so that what is read does not grow with the trail. */
export async function auditTrail(
  store: Store,
  filter: AuditTrailFilter,
  limit: number,
): Promise<Page<AuditEventRecord>> {
  const most = Math.min(limit, mostInOneRead);
  const { text: statement, values } = auditTrailQuery(filter, most + 1);
  try {
    const { rows } = await store.query<Row>(statement, [...values]);
    return pageOf(rows.map(eventOf), most, ({ at, key }) => [at, key]);
  } catch (thrown) {
    throw storeError(thrown);
  }
}

/**
 * Only what is asked for stands in it, and it is planned each time: one plan for all that could be asked would find the events of one
 * actor by reading those of everybody.
 */
export function auditTrailQuery(filter: AuditTrailFilter, limit: number): { text: string; values: readonly unknown[] } {
  const after = readCursor(filter);
  const values: unknown[] = [limit];
  const conditions = (
    [
      [filter.kind, (n: number) => `starts_with(kind, $${n})`],
      [filter.actor, (n: number) => `actor = $${n}`],
      [filter.subject, (n: number) => `subject = $${n}`],
      [filter.since, (n: number) => `at >= $${n}::timestamptz`],
      [filter.until, (n: number) => `at < $${n}::timestamptz`],
      [after?.[0], (n: number) => `at <= $${n}::timestamptz`],
    ] as const
  ).flatMap(([value, condition]) => (value === undefined ? [] : [condition(values.push(value))]));
  // In two conditions: by the first of them an index finds where to go on.
  if (after !== undefined)
    conditions.push(`(at, key) < ($${values.push(after[0])}::timestamptz, $${values.push(after[1])})`);
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const names = 'at, key, kind, actor, subject, method, reason, before, after, detail';
  const all = arms.map(
    ({ columns, from }) =>
      `(SELECT * FROM (SELECT ${columns} FROM ${from}) a (${names}) ${where} ORDER BY at DESC, key DESC LIMIT $1)`,
  );
  return { text: `SELECT * FROM (${all.join(' UNION ALL ')}) e ORDER BY at DESC, key DESC LIMIT $1`, values };
}

function eventOf(row: Row): AuditEventRecord {
  return {
    at: text(row, 'at'),
    key: text(row, 'key'),
    kind: text(row, 'kind'),
    actor: text(row, 'actor'),
    subject: text(row, 'subject'),
    method: textOrUndefined(row, 'method') ?? 'unknown',
    reason: textOrUndefined(row, 'reason'),
    before: factsOf(row, 'before'),
    after: factsOf(row, 'after'),
    detail: factsOf(row, 'detail') ?? {},
  };
}

function factsOf(row: Row, column: string): Facts | undefined {
  const value = json(row, column);
  return typeof value === 'object' && value !== null ? { ...value } : undefined;
}
