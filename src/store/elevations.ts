import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { int, present, type Row, text, textOrUndefined, word } from './row.ts';

const rules = ['second-person', 'review'] as const;
const verdicts = ['justified', 'not-justified'] as const;
export type ElevationVerdict = (typeof verdicts)[number];

const states = ['asked', 'active', 'to-review', 'reviewed', 'lapsed'] as const;
/** `asked`: waits for a second person. `lapsed`: nobody came, so it never began. `to-review`: over, and owed a look by somebody else. */
export type ElevationState = (typeof states)[number];

export interface ElevationRecord {
  readonly elevationId: string;
  readonly personId: string;
  readonly name: string;
  readonly person: string;
  readonly role: string;
  readonly reason: string;
  readonly lifeMs: number;
  readonly rule: (typeof rules)[number];
  readonly state: ElevationState;
  readonly askedAt: string;
  readonly grantedAt?: string;
  readonly grantedBy?: string;
  readonly endsAt?: string;
  readonly endedAt?: string;
  readonly endedBy?: string;
  readonly reviewedAt?: string;
  readonly reviewedBy?: string;
  readonly verdict?: ElevationVerdict;
  readonly reviewNote?: string;
}

const columns = `e.*, CASE WHEN e.reviewed_at IS NOT NULL THEN 'reviewed'
    WHEN e.granted_at IS NULL THEN CASE WHEN e.ended_at IS NULL AND e.elapsed_at IS NULL AND e.asked_at > clock_timestamp() - interval '15 minutes' THEN 'asked' ELSE 'lapsed' END
    WHEN e.ended_at IS NULL AND e.elapsed_at IS NULL AND e.ends_at > clock_timestamp() THEN 'active' ELSE 'to-review' END AS state`;

export async function askElevation(
  store: Store,
  asked: {
    readonly elevationId: string;
    readonly personId: string;
    readonly role: string;
    readonly reason: string;
    readonly lifeMs: number;
    readonly rule: (typeof rules)[number];
  },
): Promise<'active' | 'asked' | 'already' | 'unknown'> {
  const values = [asked.elevationId, asked.personId, asked.role, asked.reason, asked.lifeMs, asked.rule];
  const row = await callOne(
    store,
    'ask_elevation',
    'SELECT estop.ask_elevation($1, $2, $3, $4, $5, $6) AS outcome',
    values,
  );
  return word(row, 'outcome', ['active', 'asked', 'already', 'unknown'] as const);
}

/** The second person: whoever it is, they are not the first under another name. */
export async function grantElevation(
  store: Store,
  elevationId: string,
  by: { readonly names: readonly string[]; readonly actor: string },
): Promise<'active' | 'closed' | 'same-person' | 'unknown'> {
  const query = 'SELECT estop.grant_elevation($1, $2, $3) AS outcome';
  const row = await callOne(store, 'grant_elevation', query, [elevationId, [...by.names], by.actor]);
  return word(row, 'outcome', ['active', 'closed', 'same-person', 'unknown'] as const);
}

/** With a person: only if it is theirs. */
export async function endElevation(
  store: Store,
  elevationId: string,
  by: { readonly person?: string; readonly actor: string },
): Promise<'done' | 'already' | 'unknown'> {
  const query = 'SELECT estop.end_elevation($1, $2, $3) AS outcome';
  const row = await callOne(store, 'end_elevation', query, [elevationId, by.person ?? null, by.actor]);
  return word(row, 'outcome', ['done', 'already', 'unknown'] as const);
}

export async function reviewElevation(
  store: Store,
  elevationId: string,
  review: {
    readonly names: readonly string[];
    readonly actor: string;
    readonly verdict: ElevationVerdict;
    readonly note: string;
  },
): Promise<'done' | 'closed' | 'active' | 'same-person' | 'unknown'> {
  const values = [elevationId, [...review.names], review.actor, review.verdict, review.note];
  const query = 'SELECT estop.review_elevation($1, $2, $3, $4, $5) AS outcome';
  const row = await callOne(store, 'review_elevation', query, values);
  return word(row, 'outcome', ['done', 'closed', 'active', 'same-person', 'unknown'] as const);
}

export async function getElevation(store: Store, elevationId: string): Promise<ElevationRecord | undefined> {
  const query = `SELECT ${columns} FROM estop.elevations e WHERE e.elevation_id = $1`;
  const [row] = await call(store, 'get_elevation', query, [elevationId]);
  return row === undefined ? undefined : recordOf(row);
}

/** The newest first. Open: asked, active, or not looked at yet. */
export async function listElevations(store: Store, onlyOpen: boolean): Promise<readonly ElevationRecord[]> {
  const query = `SELECT * FROM (SELECT ${columns} FROM estop.elevations e) x
    WHERE NOT $1 OR x.state IN ('asked', 'active', 'to-review') ORDER BY x.asked_at DESC LIMIT 500`;
  return (await call(store, 'list_elevations', query, [onlyOpen])).map(recordOf);
}

export interface ElevationUse {
  readonly at: string;
  readonly what: string;
  readonly path: string;
}

/** The newest first, and how many there are in all: whoever signs for them sees whether they have seen each. */
export async function usesOfElevation(
  store: Store,
  elevationId: string,
  request: PageRequest,
): Promise<Page<ElevationUse> & { readonly inAll: number }> {
  const of = [`elevation:${elevationId}`];
  const limit = pageLimit(request);
  const after = readCursor(request);
  const uses = `FROM estop.audit WHERE subject = $1 AND kind = 'elevation.used'`;
  const [rows, counted] = await Promise.all([
    call(
      store,
      'uses_of_elevation',
      `SELECT seq, at, detail ->> 'what' AS what, detail ->> 'path' AS path ${uses} AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3`,
      [...of, after === undefined ? null : Number(after[0]) || 0, limit + 1],
    ),
    callOne(store, 'count_uses_of_elevation', `SELECT count(*) AS in_all ${uses}`, of),
  ]);
  const { items, ...more } = pageOf(rows, limit, (row) => [String(int(row, 'seq')), text(row, 'at')]);
  const used = items.map((row) => ({ at: text(row, 'at'), what: text(row, 'what'), path: text(row, 'path') }));
  return { items: used, inAll: int(counted, 'in_all'), ...more };
}

/** Stops that were ordered under it; their orders carry its id in the actor's name. */
export async function stopsUnderElevation(store: Store, elevationId: string): Promise<readonly string[]> {
  const query = 'SELECT stop_id FROM estop.stops WHERE strpos(actor, $1) > 0 ORDER BY epoch';
  return (await call(store, 'stops_under_elevation', query, [elevationId])).map((row) => text(row, 'stop_id'));
}

function recordOf(row: Row): ElevationRecord {
  const verdict = textOrUndefined(row, 'verdict');
  return {
    elevationId: text(row, 'elevation_id'),
    personId: text(row, 'person_id'),
    name: text(row, 'name'),
    person: text(row, 'person'),
    role: text(row, 'role'),
    reason: text(row, 'reason'),
    lifeMs: int(row, 'life_ms'),
    rule: word(row, 'rule', rules),
    state: word(row, 'state', states),
    askedAt: text(row, 'asked_at'),
    ...present({
      grantedAt: textOrUndefined(row, 'granted_at'),
      grantedBy: textOrUndefined(row, 'granted_by'),
      endsAt: textOrUndefined(row, 'ends_at'),
      endedAt: textOrUndefined(row, 'ended_at'),
      endedBy: textOrUndefined(row, 'ended_by'),
      reviewedAt: textOrUndefined(row, 'reviewed_at'),
      reviewedBy: textOrUndefined(row, 'reviewed_by'),
      reviewNote: textOrUndefined(row, 'review_note'),
    }),
    ...(verdict === undefined ? {} : { verdict: word(row, 'verdict', verdicts) }),
  };
}
