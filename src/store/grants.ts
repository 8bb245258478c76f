import type { GrantLife } from '../core/grant.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, bytesOrUndefined, int, json, present, type Row, text, textOrUndefined, texts, word } from './row.ts';
import { storeError } from './store-error.ts';
import { rowsOf, tables } from './tables.ts';

/** Non-secret: whatever kills the grant even if the issuer's reply was lost. */
export type Handle = Readonly<Record<string, string | number | boolean | null>>;

export type GrantState = GrantLife['state'];
export const grantStates = ['intended', 'issued', 'ended'] as const satisfies readonly GrantState[];

/** A grant without its secret: what everybody may read. */
export interface GrantRecord {
  readonly grantId: string;
  readonly name: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly keys: readonly string[];
  readonly epoch: number;
  readonly connector: string;
  readonly target: string;
  readonly shared: boolean;
  readonly handle: Handle;
  readonly state: GrantState;
  readonly absoluteEnd: string;
  readonly intendedAt: string;
  /** From here on the issuer may have been asked. */
  readonly askedAt?: string;
  readonly issuedAt?: string;
  readonly endedAt?: string;
  readonly endReason?: string;
}

export interface Intent {
  readonly grantId: string;
  readonly name: string;
  readonly taskId: string;
  readonly connector: string;
  readonly target: string;
  /** Generations cannot be told apart at this target. */
  readonly shared: boolean;
  readonly handle: Handle;
  /** The TASK's epoch (TaskRecord.epoch): what the names in the handle carry. Any other is refused. */
  readonly epoch: number;
  readonly lifeMs: number;
  /** What the configuration asked of the connector: nothing is handed over where it asks for something else by then. */
  readonly options?: unknown;
}

export type IntentDecision =
  | { readonly kind: 'intended'; readonly absoluteEnd: string }
  /** A retry of the same intent. Go on where it stands: `getGrant` says how far. */
  | { readonly kind: 'exists'; readonly absoluteEnd: string }
  | { readonly kind: 'stopped'; readonly stopId: string }
  /** Shared target: an earlier generation is still being cut off there. Try again later. */
  | { readonly kind: 'target-busy' }
  | { readonly kind: 'refused'; readonly reason: 'unknown-task' | 'task-closed' | 'epoch-from-elsewhere' | 'id-taken' };

/** Committed BEFORE the issuer is asked. rule: mint-intended-first, mint-kill-handle, mint-absolute-end, target-lock, target-block */
export async function mintIntend(store: Store, intent: Intent): Promise<IntentDecision> {
  const row = await callOne(
    store,
    'mint_intend',
    'SELECT decision, stop_id, absolute_end FROM estop.mint_intend($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      intent.grantId,
      intent.name,
      intent.taskId,
      intent.connector,
      intent.target,
      intent.shared,
      JSON.stringify(intent.handle),
      intent.epoch,
      intent.lifeMs,
      intent.options === undefined ? null : JSON.stringify(intent.options),
    ],
  );
  return intentOf(row);
}

export function intentOf(row: Row): IntentDecision {
  const decision = word(row, 'decision', [
    'intended',
    'exists',
    'stopped',
    'target-busy',
    'unknown-task',
    'task-closed',
    'epoch-from-elsewhere',
    'id-taken',
  ] as const);
  switch (decision) {
    case 'intended':
    case 'exists':
      return { kind: decision, absoluteEnd: text(row, 'absolute_end') };
    case 'stopped':
      return { kind: decision, stopId: text(row, 'stop_id') };
    case 'target-busy':
      return { kind: decision };
    default:
      return { kind: 'refused', reason: decision };
  }
}

export type MintCheck =
  | { readonly kind: 'issue' }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'task-closed' }
  /** Shared target: something there has been killed since the intent. */
  | { readonly kind: 'target-busy' }
  /** Issued or ended already: `getGrant` says which. */
  | { readonly kind: 'not-intended' };

/** Right before the issuer is asked, every time it is asked. Only `issue` may go on. rule: mint-reread, target-block */
export async function mintRecheck(store: Store, grantId: string): Promise<MintCheck> {
  const row = await callOne(store, 'mint_recheck', 'SELECT decision, stop_id FROM estop.mint_recheck($1)', [grantId]);
  const decision = word(row, 'decision', ['issue', 'stopped', 'task-closed', 'target-busy', 'not-intended'] as const);
  return decision === 'stopped' ? { kind: decision, stopId: text(row, 'stop_id') } : { kind: decision };
}

export type IssuedDecision =
  | { readonly kind: 'issued' }
  /** Recorded, so that it can be killed and probed, but never to be handed over. */
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'task-closed' }
  /** The row was closed meanwhile: the caller holds a credential the ledger does not know, and must cut it off itself. */
  | { readonly kind: 'ended' };

/** rule: mint-reread-before-hand-over */
export async function mintIssued(store: Store, grantId: string, sealed: Uint8Array): Promise<IssuedDecision> {
  const row = await callOne(store, 'mint_issued', 'SELECT decision, stop_id FROM estop.mint_issued($1, $2)', [
    grantId,
    Buffer.from(sealed),
  ]);
  return issuedOf(row);
}

export function issuedOf(row: Row): IssuedDecision {
  const decision = word(row, 'decision', ['issued', 'stopped', 'task-closed', 'ended'] as const);
  return decision === 'stopped' ? { kind: decision, stopId: text(row, 'stop_id') } : { kind: decision };
}

export type HandOver =
  | {
      readonly kind: 'handed-over';
      readonly grantId: string;
      readonly connector: string;
      readonly target: string;
      readonly handle: Handle;
      /** JSON of what it was issued for; undefined: it is not on record. */
      readonly options: string | undefined;
      readonly sealed: Uint8Array;
      readonly absoluteEnd: string;
    }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'held' }
  | { readonly kind: 'task-closed' | 'none' };

/** The one way a sealed credential leaves the store towards an agent. */
export async function handOver(store: Store, taskId: string, name: string, tokenEpoch: number): Promise<HandOver> {
  const [row] = await call(
    store,
    'hand_over',
    'SELECT decision, stop_id, grant_id, connector, target, sealed, handle, options, absolute_end FROM estop.hand_over($1, $2, $3)',
    [taskId, name, tokenEpoch],
  );
  return row === undefined ? { kind: 'none' } : handOverOf(row);
}

export function handOverOf(row: Row): HandOver {
  const decision = word(row, 'decision', ['handed-over', 'stopped', 'task-closed', 'held'] as const);
  if (decision === 'stopped') return { kind: decision, stopId: text(row, 'stop_id') };
  if (decision === 'held') return { kind: decision };
  if (decision !== 'handed-over') return { kind: decision };
  const sealed = bytesOrUndefined(row, 'sealed');
  if (sealed === undefined) return { kind: 'none' };
  return {
    kind: decision,
    grantId: text(row, 'grant_id'),
    connector: text(row, 'connector'),
    target: text(row, 'target'),
    handle: handleOf(row),
    options: textOrUndefined(row, 'options'),
    sealed,
    absoluteEnd: text(row, 'absolute_end'),
  };
}

const columns = `grant_id, name, task_id, agent_id, keys, epoch, connector, target, shared, handle, state, absolute_end,
  intended_at, asked_at, issued_at, ended_at, end_reason`;

export async function getGrant(store: Store, grantId: string): Promise<GrantRecord | undefined> {
  const [row] = await call(store, 'grant', `SELECT ${columns} FROM estop.grants WHERE grant_id = $1`, [grantId]);
  return row === undefined ? undefined : grantOf(row);
}

/** For cutting and probing: with the sealed bytes, while there are any. Only the revoker's role may read them. */
export async function getForLane(
  store: Store,
  grantId: string,
): Promise<(GrantRecord & { readonly sealed?: Uint8Array }) | undefined> {
  const [row] = await call(store, 'grant_for_lane', `SELECT ${columns}, sealed FROM estop.grants WHERE grant_id = $1`, [
    grantId,
  ]);
  return row === undefined ? undefined : { ...grantOf(row), ...present({ sealed: bytesOrUndefined(row, 'sealed') }) };
}

export interface GrantFilter extends PageRequest {
  readonly taskId?: string;
  readonly agentId?: string;
}

/** Newest first. */
export async function listGrants(store: Store, filter: GrantFilter = {}): Promise<Page<GrantRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
    .selectFrom('grants')
    .select([
      'grant_id',
      'name',
      'task_id',
      'agent_id',
      'keys',
      'epoch',
      'connector',
      'target',
      'shared',
      'handle',
      'state',
      'absolute_end',
      'intended_at',
      'asked_at',
      'issued_at',
      'ended_at',
      'end_reason',
    ])
    .orderBy('intended_at', 'desc')
    .orderBy('grant_id', 'desc')
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('intended_at', 'grant_id'), '<', tuple(after[0], after[1])),
    );
  if (filter.taskId !== undefined) query = query.where('task_id', '=', filter.taskId);
  if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId);
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(grantOf), limit, (one) => [one.intendedAt, one.grantId]);
}

function grantOf(row: Row): GrantRecord {
  return {
    grantId: text(row, 'grant_id'),
    name: text(row, 'name'),
    taskId: text(row, 'task_id'),
    agentId: text(row, 'agent_id'),
    keys: texts(row, 'keys'),
    epoch: int(row, 'epoch'),
    connector: text(row, 'connector'),
    target: text(row, 'target'),
    shared: bool(row, 'shared'),
    handle: handleOf(row),
    state: word(row, 'state', grantStates),
    absoluteEnd: text(row, 'absolute_end'),
    intendedAt: text(row, 'intended_at'),
    ...present({
      askedAt: textOrUndefined(row, 'asked_at'),
      issuedAt: textOrUndefined(row, 'issued_at'),
      endedAt: textOrUndefined(row, 'ended_at'),
      endReason: textOrUndefined(row, 'end_reason'),
    }),
  };
}

function handleOf(row: Row): Handle {
  const value = json(row, 'handle');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw storeError({ code: 'XX000' });
  const entries = Object.entries(value);
  if (
    !entries.every(
      (entry): entry is [string, string | number | boolean | null] =>
        entry[1] === null || ['string', 'number', 'boolean'].includes(typeof entry[1]),
    )
  ) {
    throw storeError({ code: 'XX000' });
  }
  return Object.fromEntries(entries);
}
