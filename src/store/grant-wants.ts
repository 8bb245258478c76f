import { call, callOne, type Store } from './pool.ts';
import { text, textOrUndefined, word } from './row.ts';

export type WantDecision =
  /** It is being issued: ask for it again in a moment. */
  | { readonly kind: 'wanted' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'held' | 'task-closed' | 'unknown-task' };

export async function wantGrant(store: Store, taskId: string, name: string, tokenEpoch: number): Promise<WantDecision> {
  const query = 'SELECT decision, stop_id, reason FROM estop.want_grant($1, $2, $3)';
  const row = await callOne(store, 'want_grant', query, [taskId, name, tokenEpoch]);
  const kind = word(row, 'decision', ['wanted', 'refused', 'stopped', 'held', 'task-closed', 'unknown-task'] as const);
  switch (kind) {
    case 'refused':
      return { kind, reason: textOrUndefined(row, 'reason') ?? 'unknown' };
    case 'stopped':
      return { kind, stopId: text(row, 'stop_id') };
    default:
      return { kind };
  }
}

export interface GrantWant {
  readonly taskId: string;
  readonly name: string;
}

/** Those whose workflows have not been told yet, oldest first. */
export async function untoldWants(store: Store, limit: number): Promise<readonly GrantWant[]> {
  const rows = await call(store, 'untold_wants', 'SELECT task_id, name FROM estop.untold_wants($1)', [limit]);
  return rows.map((row) => ({ taskId: text(row, 'task_id'), name: text(row, 'name') }));
}

export async function noteWantTold(store: Store, { taskId, name }: GrantWant): Promise<void> {
  await call(store, 'note_want_told', 'SELECT estop.note_want_told($1, $2)', [taskId, name]);
}

/** Without a reason: it was issued. */
export async function endWant(store: Store, { taskId, name }: GrantWant, reason?: string): Promise<void> {
  await call(store, 'end_want', 'SELECT estop.end_want($1, $2, $3)', [taskId, name, reason ?? null]);
}

/** A gateway asked for it, for a call of this very task, and nobody has refused it since. */
export async function isWanted(store: Store, { taskId, name }: GrantWant): Promise<boolean> {
  const query = 'SELECT name FROM estop.grant_wants WHERE task_id = $1 AND name = $2 AND refused_at IS NULL';
  return (await call(store, 'is_wanted', query, [taskId, name])).length > 0;
}
