import { type NoticeEvent, noticeEvents } from '../core/notice.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, intOrUndefined, json, present, type Row, text, textOrUndefined, texts, word } from './row.ts';

export interface NoticeRecord {
  readonly noticeId: string;
  readonly event: NoticeEvent;
  /** What it is about: a stop, an approval, an agent, a gateway, a tool. */
  readonly subject: string;
  readonly agents: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly notedAt: string;
  /** Why it is not told on its own. */
  readonly quiet?: string;
  readonly settledAt?: string;
  /** People are called until somebody says to have seen it. */
  readonly escalates: boolean;
  readonly ackedAt?: string;
  readonly ackedBy?: string;
}

export const deliveryStates = ['open', 'delivered', 'failed', 'skipped'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export interface PlannedDelivery {
  readonly endpoint: string;
  /** Empty for whoever hears of it anyway. */
  readonly rung: string;
  readonly afterMs: number;
}

export interface DeliveryRecord extends PlannedDelivery {
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly answer?: string;
  readonly endedAt?: string;
}

export interface NewsLimits {
  /** What happened longer ago is not news to anybody. */
  readonly windowMs: number;
  /** More stops than this within that time are a crowd. */
  readonly crowd: number;
  readonly crowdMs: number;
  /** Approvals of one agent that are told one by one within a minute. */
  readonly flood: number;
  readonly lostMs: number;
}

/** Makes notices of what the ledger says. With `nobody` they are written down, and that nobody is told of them. */
export async function noteNews(store: Store, limits: NewsLimits, nobody?: string): Promise<number> {
  const { windowMs, crowd, crowdMs, flood, lostMs } = limits;
  const values = [windowMs, crowd, crowdMs, flood, lostMs, nobody ?? null];
  return int(
    await callOne(store, 'note_news', 'SELECT estop.note_news($1, $2, $3, $4, $5, $6) AS noted', values),
    'noted',
  );
}

export interface TakenNotice {
  readonly noticeId: string;
  readonly event: string;
}

/** Those that somebody must see to now, at most once in `againMs` each. */
export async function takeNotices(store: Store, againMs: number, atMost: number): Promise<readonly TakenNotice[]> {
  const rows = await call(store, 'take_notices', 'SELECT * FROM estop.take_notices($1, $2)', [againMs, atMost]);
  return rows.map((row) => ({ noticeId: text(row, 'notice_id'), event: text(row, 'event') }));
}

/** It could not be seen to: the next one may take it at once. */
export async function untakeNotice(store: Store, noticeId: string): Promise<void> {
  await call(store, 'untake_notice', 'SELECT estop.untake_notice($1)', [noticeId]);
}

export async function getNotice(store: Store, noticeId: string): Promise<NoticeRecord | undefined> {
  const [row] = await call(store, 'notice', 'SELECT * FROM estop.notices WHERE notice_id = $1', [noticeId]);
  return row === undefined ? undefined : noticeOf(row);
}

export async function planDeliveries(
  store: Store,
  noticeId: string,
  planned: readonly PlannedDelivery[],
): Promise<readonly DeliveryRecord[]> {
  await call(store, 'plan_deliveries', 'SELECT estop.plan_deliveries($1, $2)', [noticeId, JSON.stringify(planned)]);
  const sql = 'SELECT * FROM estop.notice_deliveries WHERE notice_id = $1 ORDER BY after_ms, endpoint, rung';
  return (await call(store, 'deliveries', sql, [noticeId])).map(deliveryOf);
}

export interface DeliveryKey {
  readonly noticeId: string;
  readonly endpoint: string;
  readonly rung: string;
}

/** How often it was tried; undefined: it has ended. */
export async function attemptsOf(store: Store, { noticeId, endpoint, rung }: DeliveryKey): Promise<number | undefined> {
  const sql = `SELECT attempts FROM estop.notice_deliveries WHERE notice_id = $1 AND endpoint = $2 AND rung = $3 AND state = 'open'`;
  const [row] = await call(store, 'delivery_attempts', sql, [noticeId, endpoint, rung]);
  return row === undefined ? undefined : int(row, 'attempts');
}

/** Which attempt this is; undefined: it has ended. */
export async function beginDelivery(
  store: Store,
  { noticeId, endpoint, rung }: DeliveryKey,
): Promise<number | undefined> {
  const sql = 'SELECT estop.begin_delivery($1, $2, $3) AS attempt';
  return intOrUndefined(await callOne(store, 'begin_delivery', sql, [noticeId, endpoint, rung]), 'attempt');
}

/** `open`: it failed, and is tried again. `isAsked`: after a pause that the receiver asked for. */
export async function endDelivery(
  store: Store,
  { noticeId, endpoint, rung }: DeliveryKey,
  state: DeliveryState,
  answer: string,
  isAsked = false,
): Promise<void> {
  const sql = 'SELECT estop.end_delivery($1, $2, $3, $4, $5, $6)';
  await call(store, 'end_delivery', sql, [noticeId, endpoint, rung, state, answer, isAsked]);
}

export type Resting = Pick<DeliveryKey, 'noticeId' | 'endpoint'>;

/** What rests at an endpoint that has taken something since, each once; nothing that failed within `restMs`. */
export async function takeResting(store: Store, restMs: number, atMost: number): Promise<readonly Resting[]> {
  const rows = await call(store, 'take_resting', 'SELECT * FROM estop.take_resting($1, $2)', [restMs, atMost]);
  return rows.map((row) => ({ noticeId: text(row, 'notice_id'), endpoint: text(row, 'endpoint') }));
}

export async function settleNotice(store: Store, noticeId: string): Promise<void> {
  await call(store, 'settle_notice', 'SELECT estop.settle_notice($1)', [noticeId]);
}

export type ClaimedCard =
  | { readonly kind: 'busy' }
  /** `mayExist`: somebody may have made a message of which nobody knows. */
  | { readonly kind: 'yours'; readonly message?: string; readonly mayExist: boolean };

export interface CardKey {
  readonly endpoint: string;
  readonly subject: string;
  readonly claimer: string;
}

export async function claimCard(store: Store, card: CardKey, holdMs: number): Promise<ClaimedCard> {
  const sql = 'SELECT * FROM estop.claim_card($1, $2, $3, $4)';
  const row = await callOne(store, 'claim_card', sql, [card.endpoint, card.subject, card.claimer, holdMs]);
  if (!bool(row, 'granted')) return { kind: 'busy' };
  const message = textOrUndefined(row, 'message');
  return { kind: 'yours', mayExist: message === undefined && bool(row, 'was_claimed'), ...present({ message }) };
}

/** Without a message: nothing came of it, and whoever is next begins anew. */
export async function noteCard(store: Store, card: CardKey, message?: string): Promise<void> {
  const values = [card.endpoint, card.subject, card.claimer, message ?? null];
  await call(store, 'note_card', 'SELECT estop.note_card($1, $2, $3, $4)', values);
}

export async function askTestNotice(store: Store, actor: string, endpoint?: string): Promise<string> {
  const sql = 'SELECT estop.ask_test_notice($1, $2) AS notice_id';
  return text(await callOne(store, 'ask_test_notice', sql, [actor, endpoint ?? null]), 'notice_id');
}

/** How many; undefined: nothing by that name was ever told. `only`: of these alone. */
export async function acknowledgeNotices(
  store: Store,
  what: string,
  actor: string,
  only?: readonly string[],
): Promise<number | undefined> {
  const sql = 'SELECT estop.acknowledge_notices($1, $2, $3) AS acked';
  return intOrUndefined(await callOne(store, 'acknowledge_notices', sql, [what, actor, only ?? null]), 'acked');
}

/** Those that an acknowledgement of this is about: one by its id, or all about a subject; those that nobody has seen first. */
export async function noticesAbout(store: Store, what: string, atMost: number): Promise<readonly NoticeRecord[]> {
  const sql = `SELECT * FROM estop.notices n WHERE n.notice_id = $1 OR n.subject = $1 ORDER BY n.acked_at IS NOT NULL, n.seq DESC LIMIT $2`;
  return (await call(store, 'notices_about', sql, [what, atMost])).map(noticeOf);
}

export async function pruneNotices(store: Store, olderMs: number, atMost: number): Promise<number> {
  const sql = 'SELECT estop.prune_notices($1, $2) AS pruned';
  return int(await callOne(store, 'prune_notices', sql, [olderMs, atMost]), 'pruned');
}

export interface ListedNotice extends NoticeRecord {
  readonly deliveries: readonly DeliveryRecord[];
}

export interface NoticeFilter {
  readonly subject?: string;
  /** Those alone that nobody has said to have seen. */
  readonly unacknowledged?: boolean;
  /** Of these those alone for which people are called. */
  readonly escalated?: boolean;
}

/** Newest first, with what became of each; no more than a page. */
export async function listNotices(
  store: Store,
  filter: NoticeFilter & { readonly limit?: number } = {},
): Promise<readonly ListedNotice[]> {
  return (await noticeRows(store, filter, Math.min(filter.limit ?? 50, 200))).map(listedOf);
}

/** The same, page by page. */
export async function noticePage(store: Store, filter: NoticeFilter & PageRequest): Promise<Page<ListedNotice>> {
  const limit = pageLimit(filter);
  const rows = await noticeRows(store, filter, limit + 1, readCursor(filter)?.[0]);
  const page = pageOf(rows, limit, (row) => [String(int(row, 'seq')), text(row, 'notice_id')]);
  return { ...page, items: page.items.map(listedOf) };
}

const noticesSql = `SELECT n.*, coalesce((SELECT jsonb_agg(jsonb_build_object('endpoint', d.endpoint, 'rung', d.rung, 'after_ms', d.after_ms,
      'state', d.state, 'attempts', d.attempts, 'answer', d.answer, 'ended_at', to_char(d.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
      ORDER BY d.after_ms, d.endpoint, d.rung) FROM estop.notice_deliveries d WHERE d.notice_id = n.notice_id), '[]'::jsonb) AS deliveries
    FROM estop.notices n WHERE ($1::text IS NULL OR n.subject = $1) AND (NOT $2 OR (n.acked_at IS NULL AND n.quiet IS NULL))
      AND ($3::bigint IS NULL OR n.seq < $3)`;
const noticesSqlOf = (escalated: boolean): string =>
  `${noticesSql}${escalated ? ' AND n.escalates AND n.acked_at IS NULL' : ''} ORDER BY n.seq DESC LIMIT $4`;

const noticeRows = (
  store: Store,
  { subject, unacknowledged, escalated = false }: NoticeFilter,
  limit: number,
  before?: string,
): Promise<readonly Row[]> =>
  call(store, escalated ? 'unseen_notices' : 'list_notices', noticesSqlOf(escalated), [
    subject ?? null,
    unacknowledged === true,
    before ?? null,
    limit,
  ]);

const listedOf = (row: Row): ListedNotice => ({
  ...noticeOf(row),
  deliveries: rowsIn(json(row, 'deliveries')).map(deliveryOf),
});

function noticeOf(row: Row): NoticeRecord {
  const facts = json(row, 'facts');
  return {
    noticeId: text(row, 'notice_id'),
    event: word(row, 'event', noticeEvents),
    subject: text(row, 'subject'),
    agents: texts(row, 'agents'),
    facts: typeof facts === 'object' && facts !== null ? { ...facts } : {},
    notedAt: text(row, 'noted_at'),
    escalates: bool(row, 'escalates'),
    ...present({
      quiet: textOrUndefined(row, 'quiet'),
      settledAt: textOrUndefined(row, 'settled_at'),
      ackedAt: textOrUndefined(row, 'acked_at'),
      ackedBy: textOrUndefined(row, 'acked_by'),
    }),
  };
}

function deliveryOf(row: Row): DeliveryRecord {
  return {
    endpoint: text(row, 'endpoint'),
    rung: text(row, 'rung'),
    afterMs: int(row, 'after_ms'),
    state: word(row, 'state', deliveryStates),
    attempts: int(row, 'attempts'),
    ...present({ answer: textOrUndefined(row, 'answer'), endedAt: textOrUndefined(row, 'ended_at') }),
  };
}

/** What jsonb_agg of objects gives; each member is checked where it is read. */
const rowsIn = (value: unknown): readonly Row[] => (Array.isArray(value) ? (value as readonly Row[]) : []);

/** Endpoints that have refused what they are told, or not answered, three times in a row and more; it is still being tried. */
export async function failingEndpoints(store: Store): Promise<readonly string[]> {
  const query = `SELECT DISTINCT d.endpoint FROM estop.notice_deliveries d WHERE d.state = 'open' AND d.attempts >= 3 ORDER BY 1 LIMIT 50`;
  return (await call(store, 'failing_endpoints', query, [])).map((row) => text(row, 'endpoint'));
}

/** Given up within the last hour. */
export async function failedDeliveries(store: Store): Promise<number> {
  const query = `SELECT count(*)::int AS failed FROM estop.notice_deliveries d
    WHERE d.state = 'failed' AND d.ended_at > clock_timestamp() - interval '1 hour'`;
  return int(await callOne(store, 'failed_deliveries', query, []), 'failed');
}
