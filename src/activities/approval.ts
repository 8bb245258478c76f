import type { TrustedActivities } from '../contract/activities.ts';
import { getApproval } from '../store/approvals.ts';
import type { Store } from '../store/pool.ts';

/** The decision as the store holds it: the only one that counts. */
export function createApprovalActivities(store: Store): Pick<TrustedActivities, 'approvalState'> {
  return { approvalState: async (approvalId) => (await getApproval(store, approvalId))?.state ?? 'unknown' };
}
