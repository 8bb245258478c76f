import { type ApprovalRecord, approvalAsOfNow, approvalOf } from './approvals.ts';
import { call, callOne, type Store } from './pool.ts';
import { int } from './row.ts';

/** What people decided before about calls of the same tool by the same agent. */
export interface ApprovalContext {
  /** The newest that a person decided. */
  readonly similar?: ApprovalRecord;
  /** Within a day. */
  readonly approved: number;
  readonly denied: number;
  readonly pendingOfAgent: number;
}

export async function approvalContext(store: Store, approval: ApprovalRecord): Promise<ApprovalContext> {
  const [similar, counts] = await Promise.all([
    call(
      store,
      'similar_approval',
      `SELECT ${approvalAsOfNow} FROM estop.approvals WHERE agent_id = $1 AND tool_key = $2 AND decided_at IS NOT NULL AND requested_at < $3::timestamptz
       ORDER BY requested_at DESC LIMIT 1`,
      [approval.agentId, approval.toolKey, approval.requestedAt],
    ),
    callOne(
      store,
      'approval_counts',
      `SELECT count(*) FILTER (WHERE tool_key = $2 AND state IN ('approved', 'redeemed')) AS approved, count(*) FILTER (WHERE tool_key = $2 AND state = 'denied') AS denied,
         count(*) FILTER (WHERE state = 'pending' AND expires_at > clock_timestamp()) AS pending
       FROM estop.approvals WHERE agent_id = $1 AND requested_at > clock_timestamp() - interval '1 day'`,
      [approval.agentId, approval.toolKey],
    ),
  ]);
  const [row] = similar;
  return {
    ...(row === undefined ? {} : { similar: approvalOf(row) }),
    approved: int(counts, 'approved'),
    denied: int(counts, 'denied'),
    pendingOfAgent: int(counts, 'pending'),
  };
}
