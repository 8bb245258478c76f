import { call, callOne, type Store } from './pool.ts';
import { bool, bytesOrUndefined, present, text, word } from './row.ts';

export interface NewClientCode {
  readonly hash: Uint8Array;
  readonly clientHash: Uint8Array;
  /** Shown by the client, and exactly so. */
  readonly redirect: string;
  readonly challenge: string;
  readonly resource: string;
  readonly agentId: string;
  readonly actor: string;
  readonly person: string;
  /** In the store: once they are shut out it opens nothing. */
  readonly personId: string;
  /** Of the token that they signed in by, if it was one. */
  readonly basis?: Uint8Array;
  /** Of the session that it will open. */
  readonly taskId: string;
  /** What the client calls itself, for the record. */
  readonly client: string;
  readonly lifeMs: number;
}

export async function makeClientCode(store: Store, code: NewClientCode): Promise<void> {
  await callOne(
    store,
    'make_client_code',
    'SELECT estop.make_client_code($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)',
    [
      Buffer.from(code.hash),
      Buffer.from(code.clientHash),
      code.redirect,
      code.challenge,
      code.resource,
      code.agentId,
      code.actor,
      code.person,
      code.personId,
      code.taskId,
      code.client,
      code.lifeMs,
      code.basis === undefined ? null : Buffer.from(code.basis),
    ],
  );
}

export interface ShownTicket {
  readonly kind: 'code' | 'refresh';
  readonly hash: Uint8Array;
  readonly clientHash: Uint8Array;
  /** Of a code. */
  readonly redirect?: string;
  readonly challenge?: string;
  readonly resource?: string;
}

interface OfSession {
  readonly taskId: string;
  readonly agentId: string;
  readonly actor: string;
  readonly person: string;
  readonly personId: string;
  readonly basis?: Uint8Array;
}

export type Redeemed =
  | ({ readonly kind: 'redeemed' } & OfSession)
  /** It was used before: the session has to end. */
  | ({ readonly kind: 'replayed' } & OfSession)
  | { readonly kind: 'unknown' | 'mismatch' };

/** Once: whoever shows it uses it up. */
export async function redeemClientTicket(store: Store, shown: ShownTicket): Promise<Redeemed> {
  const row = await callOne(
    store,
    'redeem_client_ticket',
    'SELECT outcome, task_id, agent_id, actor, person, person_id, basis FROM estop.redeem_client_ticket($1, $2, $3, $4, $5, $6)',
    [
      Buffer.from(shown.hash),
      shown.kind,
      Buffer.from(shown.clientHash),
      shown.redirect ?? null,
      shown.challenge ?? null,
      shown.resource ?? null,
    ],
  );
  const kind = word(row, 'outcome', ['redeemed', 'replayed', 'unknown', 'mismatch'] as const);
  if (kind === 'unknown' || kind === 'mismatch') return { kind };
  return {
    kind,
    taskId: text(row, 'task_id'),
    agentId: text(row, 'agent_id'),
    actor: text(row, 'actor'),
    person: text(row, 'person'),
    personId: text(row, 'person_id'),
    ...present({ basis: bytesOrUndefined(row, 'basis') }),
  };
}

/** False: what it is made for was shown a second time meanwhile, or too many were asked for. */
export async function makeClientRefresh(
  store: Store,
  hash: Uint8Array,
  parentHash: Uint8Array,
  lifeMs: number,
): Promise<boolean> {
  const query = 'SELECT estop.make_client_refresh($1, $2, $3) AS made';
  const values = [Buffer.from(hash), Buffer.from(parentHash), lifeMs];
  return bool(await callOne(store, 'make_client_refresh', query, values), 'made');
}

/** Open sessions of clients that this person connected. */
export async function sessionsConnectedBy(store: Store, personId: string): Promise<readonly string[]> {
  const query = 'SELECT s AS task_id FROM estop.sessions_connected_by($1) AS s';
  return (await call(store, 'sessions_connected_by', query, [personId])).map((row) => text(row, 'task_id'));
}
