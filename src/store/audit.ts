import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { int, json, type Row, text } from './row.ts';
import { rowsOf, tables } from './tables.ts';

export interface AuditEntry {
  readonly kind: string;
  readonly actor: string;
  /** The id of what it was done to. */
  readonly subject: string;
  /** Whatever they were asked for it and gave. */
  readonly reason?: string;
  /** What it was, and what it is since; neither where nothing was changed. No secret and no payload, here as in `detail`. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditRecord extends AuditEntry {
  readonly seq: number;
  readonly at: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A plain row; time and order are the store's. Chaining comes afterwards, by one writer, so that nobody here waits for it. */
export async function appendAudit(store: Store, entry: AuditEntry): Promise<number> {
  const { kind, actor, subject, detail = {}, reason = null, before, after } = entry;
  const values = [kind, actor, subject, JSON.stringify(detail), reason, inJson(before), inJson(after)];
  const query = 'SELECT estop.append_audit($1, $2, $3, $4, $5, $6, $7) AS seq';
  return int(await callOne(store, 'append_audit', query, values), 'seq');
}

/** What was opened for whom, before it is handed out. `facts`: what makes it another reading than one of a moment ago. */
export async function noteDecoded(
  store: Store,
  reading: Pick<AuditEntry, 'actor' | 'subject'> & {
    readonly facts: Readonly<Record<string, string>>;
    readonly payloads: number;
    readonly opened: number;
  },
): Promise<void> {
  const { actor, subject, facts, payloads, opened } = reading;
  const values = [actor, subject, JSON.stringify(facts), payloads, opened];
  await call(store, 'note_decoded', 'SELECT estop.note_decoded($1, $2, $3, $4, $5)', values);
}

const inJson = (value: object | undefined): string | null => (value === undefined ? null : JSON.stringify(value));

export interface AuditFilter extends PageRequest {
  readonly subject?: string;
}

/** Newest first. */
export async function listAudit(store: Store, filter: AuditFilter = {}): Promise<Page<AuditRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
    .selectFrom('audit')
    .selectAll()
    .orderBy('seq', 'desc')
    .limit(limit + 1);
  if (after !== undefined) query = query.where('seq', '<', Number(after[0]) || 0);
  if (filter.subject !== undefined) query = query.where('subject', '=', filter.subject);
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(auditOf), limit, (one) => [String(one.seq), one.at]);
}

function auditOf(row: Row): AuditRecord {
  const detail = json(row, 'detail');
  return {
    seq: int(row, 'seq'),
    at: text(row, 'at'),
    kind: text(row, 'kind'),
    actor: text(row, 'actor'),
    subject: text(row, 'subject'),
    detail: typeof detail === 'object' && detail !== null ? { ...detail } : {},
  };
}
