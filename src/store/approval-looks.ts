import { call, callOne, type Store } from './pool.ts';
import { intOrUndefined } from './row.ts';

/** This person was shown what waits, now; the first time counts. */
export async function noteApprovalLook(store: Store, approvalId: string, person: string): Promise<void> {
  await call(store, 'note_approval_look', 'SELECT estop.note_approval_look($1, $2)', [approvalId, person]);
}

/** For how long it has been before this person, by the store's clock; undefined for what they were never shown. */
export async function approvalLookedAtMs(
  store: Store,
  approvalId: string,
  person: string,
): Promise<number | undefined> {
  const query = 'SELECT estop.approval_looked_at_ms($1, $2) AS ms';
  return intOrUndefined(await callOne(store, 'approval_looked_at_ms', query, [approvalId, person]), 'ms');
}
