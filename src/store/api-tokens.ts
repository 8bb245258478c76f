import { call, callOne, type Store } from './pool.ts';
import { bytesOrUndefined, json, present, text, textOrUndefined, word } from './row.ts';

export interface NewApiToken {
  readonly tokenId: string;
  readonly tokenHash: Uint8Array;
  readonly name: string;
  /** The person who made it for themselves; none for a token of a service. */
  readonly owner?: string;
  readonly basis?: Uint8Array;
  readonly person: string;
  readonly mandates: unknown;
  readonly actor: string;
  readonly lifeMs: number;
}

/** When it ends. */
export async function makeApiToken(store: Store, token: NewApiToken): Promise<string> {
  const values = [
    token.tokenId,
    Buffer.from(token.tokenHash),
    token.name,
    token.owner ?? null,
    token.basis === undefined ? null : Buffer.from(token.basis),
    token.person,
    JSON.stringify(token.mandates),
    token.actor,
    token.lifeMs,
  ];
  const query = 'SELECT estop.make_api_token($1, $2, $3, $4, $5, $6, $7, $8, $9) AS expires_at';
  return text(await callOne(store, 'make_api_token', query, values), 'expires_at');
}

/** What it may do at the moment of the question: never more than its owner. */
export interface HeldApiToken {
  readonly tokenId: string;
  readonly name: string;
  readonly person: string;
  readonly mandates: unknown;
  readonly basis?: Uint8Array;
}

export async function apiTokenOf(store: Store, tokenHash: Uint8Array): Promise<HeldApiToken | undefined> {
  const [row] = await call(store, 'api_token_of', 'SELECT * FROM estop.api_token_of($1)', [Buffer.from(tokenHash)]);
  return row === undefined
    ? undefined
    : {
        tokenId: text(row, 'token_id'),
        name: text(row, 'name'),
        person: text(row, 'person'),
        mandates: json(row, 'mandates'),
        ...present({ basis: bytesOrUndefined(row, 'basis') }),
      };
}

export interface ApiTokenSummary {
  readonly tokenId: string;
  readonly name: string;
  readonly person: string;
  readonly mandates: unknown;
  readonly madeBy: string;
  readonly madeAt: string;
  readonly expiresAt: string;
  readonly usedAt?: string;
  readonly revokedAt?: string;
  readonly revokedBy?: string;
}

/** The newest first; of one person or of all. */
export async function listApiTokens(store: Store, person?: string): Promise<readonly ApiTokenSummary[]> {
  const query = `SELECT t.token_id, t.name, t.person, t.mandates, t.made_by, t.made_at, t.expires_at, t.used_at, t.revoked_at, t.revoked_by
    FROM estop.api_tokens t WHERE $1::text IS NULL OR t.person = $1 ORDER BY t.made_at DESC, t.token_id LIMIT 1000`;
  return (await call(store, 'list_api_tokens', query, [person ?? null])).map((row) => ({
    tokenId: text(row, 'token_id'),
    name: text(row, 'name'),
    person: text(row, 'person'),
    mandates: json(row, 'mandates'),
    madeBy: text(row, 'made_by'),
    madeAt: text(row, 'made_at'),
    expiresAt: text(row, 'expires_at'),
    ...present({
      usedAt: textOrUndefined(row, 'used_at'),
      revokedAt: textOrUndefined(row, 'revoked_at'),
      revokedBy: textOrUndefined(row, 'revoked_by'),
    }),
  }));
}

/** With a person: only if it is theirs. */
export async function revokeApiToken(
  store: Store,
  tokenId: string,
  by: { readonly person?: string; readonly actor: string },
): Promise<'done' | 'already' | 'unknown'> {
  const query = 'SELECT estop.revoke_api_token($1, $2, $3) AS outcome';
  const row = await callOne(store, 'revoke_api_token', query, [tokenId, by.person ?? null, by.actor]);
  return word(row, 'outcome', ['done', 'already', 'unknown'] as const);
}
