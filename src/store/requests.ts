import { call, callOne, type Store } from './pool.ts';
import { int, json, word } from './row.ts';

/** A request is its actor and its Idempotency-Key: keys of different people never meet. */
export interface RequestKey {
  readonly actor: string;
  readonly key: string;
}

export type RequestStart =
  /** Do the work, then finish. */
  | { readonly kind: 'fresh' }
  | { readonly kind: 'replay'; readonly status: number; readonly response: unknown }
  /** The key was used for another request. */
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'in-flight' };

/** @param request.staleMs how long a request that never finished blocks its key; then a retry takes it over */
export async function beginRequest(
  store: Store,
  request: RequestKey & { readonly hash: Uint8Array; readonly staleMs: number },
): Promise<RequestStart> {
  const values = [request.actor, request.key, Buffer.from(request.hash), request.staleMs];
  const row = await callOne(
    store,
    'begin_request',
    'SELECT decision, status, response FROM estop.begin_request($1, $2, $3, $4)',
    values,
  );
  const decision = word(row, 'decision', ['fresh', 'replay', 'mismatch', 'in-flight'] as const);
  return decision === 'replay'
    ? { kind: decision, status: int(row, 'status'), response: json(row, 'response') }
    : { kind: decision };
}

/** Without a status the request is forgotten: it failed in a way that a retry may mend, so the retry starts afresh. */
export async function finishRequest(
  store: Store,
  request: RequestKey & { readonly status?: number; readonly response?: unknown },
): Promise<void> {
  const values = [request.actor, request.key, request.status ?? null, JSON.stringify(request.response ?? null)];
  await call(store, 'finish_request', 'SELECT estop.finish_request($1, $2, $3, $4)', values);
}

export async function pruneRequests(store: Store, olderMs: number): Promise<number> {
  return int(await callOne(store, 'prune_requests', 'SELECT estop.prune_requests($1) AS pruned', [olderMs]), 'pruned');
}
