import type { Approval } from '../contract/http/approvals.ts';
import type { ApprovalRecord } from '../store/approvals.ts';

/** Whole: what is not shown cannot be approved. That its time is over the store has said, by the clock that will judge it. */
export function showApproval(record: ApprovalRecord): Approval {
  const { state } = record;
  return {
    approvalId: record.approvalId,
    taskId: record.taskId,
    agentId: record.agentId,
    tool: record.toolKey.replace(/^tool:/, ''),
    digest: Buffer.from(record.digest).toString('hex'),
    shown: record.shown,
    reasons: [...record.reasons],
    approvers: record.approvers,
    policyVersion: record.policyVersion,
    requestedBy: record.requestedBy,
    state,
    requestedAt: record.requestedAt,
    expiresAt: record.expiresAt,
    firstBy: record.firstBy ?? null,
    decidedBy: record.decidedBy ?? null,
    decidedAt: record.decidedAt ?? null,
    decisionReason: record.decisionReason ?? null,
    endedAt: (state === 'expired' ? record.expiresAt : record.endedAt) ?? null,
    stoppedBy: record.endedBy ?? null,
  };
}
