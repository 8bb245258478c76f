import { type Tier, tiers } from '../core/flow/facts.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, present, type Row, text, textOrUndefined, texts, word } from './row.ts';
import { storeError } from './store-error.ts';
import { rowsOf, tables } from './tables.ts';

/** A tool as its server lists it; the text is canonical JSON, and the hash is of that text. */
export interface SeenTool {
  readonly tool: string;
  readonly hash: string;
  readonly definition: string;
  /** What is proposed for it, and why; a person or estop.yaml may decide otherwise. */
  readonly tier: Tier;
  readonly labels: readonly string[];
  readonly because: string;
  /** See core/look-alike.ts. */
  readonly look: string;
}

export interface ToolStanding {
  readonly acceptedHash: string;
  readonly changed: boolean;
  /** As proposed for the accepted definition. */
  readonly tier: Tier;
  readonly labels: readonly string[];
}

/** What may be called of one server, as of a version. A tool that is not in it was never recorded: it may not be called. */
export interface ToolStandings {
  readonly version: number;
  readonly byTool: ReadonlyMap<string, ToolStanding>;
}

const pinStates = ['accepted', 'changed', 'blocked'] as const;
export type ToolPinState = (typeof pinStates)[number];

const summaryColumns = [
  'server_id',
  'tool',
  'hash',
  'tier',
  'labels',
  'because',
  'look',
  'resembles',
  'state',
  'first_seen_at',
  'last_seen_at',
  'accepted_by',
  'accepted_at',
] as const;

export interface ToolPinRecord extends ToolPinSummary {
  readonly definition: string;
}

export interface ToolPinSummary extends Omit<SeenTool, 'definition'> {
  readonly serverId: string;
  readonly state: ToolPinState;
  /** The tool that its name could be taken for: it is not called before a person has said so. */
  readonly resembles?: string;
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
  /** `first-sight`, or who accepted it. */
  readonly acceptedBy?: string;
  readonly acceptedAt?: string;
}

/** Records one listing; an empty one only asks what may be called. */
export async function noteTools(store: Store, serverId: string, seen: readonly SeenTool[]): Promise<ToolStandings> {
  const rows = await call(
    store,
    'note_tools',
    'SELECT version, tool, hash, changed, tier, labels FROM estop.note_tools($1, $2)',
    [serverId, JSON.stringify(seen)],
  );
  const [first] = rows;
  if (first === undefined) throw storeError({ code: 'XX000' });
  const recorded = rows.filter((row) => textOrUndefined(row, 'tool') !== undefined);
  return {
    version: int(first, 'version'),
    byTool: new Map(
      recorded.map((row) => [
        text(row, 'tool'),
        {
          acceptedHash: text(row, 'hash'),
          changed: bool(row, 'changed'),
          tier: word(row, 'tier', tiers),
          labels: texts(row, 'labels'),
        },
      ]),
    ),
  };
}

/** What is on record, without the texts: those of two thousand tools would be half a gigabyte. */
export async function listToolPins(
  store: Store,
  filter: { readonly serverId?: string; readonly tool?: string; readonly state?: ToolPinState } = {},
): Promise<readonly ToolPinSummary[]> {
  let query = (await tables(store))
    .selectFrom('tool_pins')
    .select(summaryColumns)
    .orderBy('server_id')
    .orderBy('tool')
    .orderBy('first_seen_at');
  if (filter.serverId !== undefined) query = query.where('server_id', '=', filter.serverId);
  if (filter.tool !== undefined) query = query.where('tool', '=', filter.tool);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  return (await rowsOf(store, query)).map(summaryOf);
}

/** What is proposed for each, named as `<server>/<tool>`: for the accepted definition, else for the first that was seen. */
export async function proposedTiers(store: Store, names: readonly string[]): Promise<ReadonlyMap<string, Tier>> {
  const parts = [...new Set(names)].map((name) => name.split('/'));
  const query = `SELECT DISTINCT ON (p.server_id, p.tool) p.server_id || '/' || p.tool AS name, p.tier
    FROM unnest($1::text[], $2::text[]) AS asked (server_id, tool) JOIN estop.tool_pins p USING (server_id, tool)
    ORDER BY p.server_id, p.tool, p.state = 'accepted' DESC, p.first_seen_at`;
  const rows = await call(store, 'proposed_tiers', query, [
    parts.map(([serverId = '']) => serverId),
    parts.map(([, tool = '']) => tool),
  ]);
  return new Map(rows.map((row) => [text(row, 'name'), word(row, 'tier', tiers)]));
}

/** Every definition of one tool, `<server>/<tool>`, oldest first: what is accepted, and what it is compared with. */
export async function readToolPins(store: Store, name: string): Promise<readonly ToolPinRecord[]> {
  const [serverId = '', tool = ''] = name.split('/');
  const query = (await tables(store))
    .selectFrom('tool_pins')
    .selectAll()
    .where('server_id', '=', serverId)
    .where('tool', '=', tool)
    .orderBy('first_seen_at');
  const rows = await rowsOf(store, query);
  return rows.map((row) => ({ ...summaryOf(row), definition: text(row, 'definition') }));
}

/** A person has looked at it. False if that definition was never seen. Every gateway knows of it within one renewal. */
export async function acceptTool(
  store: Store,
  acceptance: {
    readonly serverId: string;
    readonly tool: string;
    readonly hash: string;
    readonly actor: string;
    readonly reason?: string | undefined;
  },
): Promise<boolean> {
  const { serverId, tool, hash, actor, reason = null } = acceptance;
  const values = [serverId, tool, hash, actor, reason];
  return bool(
    await callOne(store, 'accept_tool', 'SELECT estop.accept_tool($1, $2, $3, $4, $5) AS accepted', values),
    'accepted',
  );
}

function summaryOf(row: Row): ToolPinSummary {
  return {
    serverId: text(row, 'server_id'),
    tool: text(row, 'tool'),
    hash: text(row, 'hash'),
    tier: word(row, 'tier', tiers),
    labels: texts(row, 'labels'),
    because: text(row, 'because'),
    look: text(row, 'look'),
    state: word(row, 'state', pinStates),
    firstSeenAt: text(row, 'first_seen_at'),
    lastSeenAt: text(row, 'last_seen_at'),
    ...present({ resembles: textOrUndefined(row, 'resembles') }),
    ...present({ acceptedBy: textOrUndefined(row, 'accepted_by'), acceptedAt: textOrUndefined(row, 'accepted_at') }),
  };
}
