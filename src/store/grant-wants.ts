import { type HandOver, handOverOf } from './grants.ts';
import { call, callOne, type Store } from './pool.ts';
import { text, textOrUndefined, word } from './row.ts';

export type Obtained =
  | Exclude<HandOver, { readonly kind: 'none' }>
  /** It is being issued: ask for it again in a moment. */
  | { readonly kind: 'wanted' | 'unknown-task' }
  | { readonly kind: 'refused'; readonly reason: string };

/** A grant that is issued at its first use: handed over, or asked for. */
export async function obtainGrant(store: Store, taskId: string, name: string, tokenEpoch: number): Promise<Obtained> {
  const row = await callOne(store, 'obtain_grant', 'SELECT * FROM estop.obtain_grant($1, $2, $3)', [
    taskId,
    name,
    tokenEpoch,
  ]);
  const all = ['wanted', 'refused', 'unknown-task', 'handed-over', 'stopped', 'held', 'task-closed'] as const;
  const kind = word(row, 'decision', all);
  if (kind === 'wanted' || kind === 'unknown-task') return { kind };
  if (kind === 'refused') return { kind, reason: textOrUndefined(row, 'reason') ?? 'unknown' };
  const found = handOverOf(row);
  return found.kind === 'none' ? { kind: 'refused', reason: 'unknown' } : found;
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

/** A gateway asked for it, for a call of this very task, nobody has refused it since, and it is not there already. */
export async function isWanted(store: Store, { taskId, name }: GrantWant): Promise<boolean> {
  const query = `SELECT name FROM estop.grant_wants WHERE task_id = $1 AND name = $2 AND refused_at IS NULL AND NOT EXISTS
    (SELECT 1 FROM estop.grants g WHERE g.task_id = $1 AND g.name = $2 AND g.state = 'issued' AND g.absolute_end > clock_timestamp())`;
  return (await call(store, 'is_wanted', query, [taskId, name])).length > 0;
}
