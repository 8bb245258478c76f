import type { Approval } from '../contract/http/approvals.ts';
import type { ApprovalRecord } from '../store/approvals.ts';

/** Whole: what is not shown cannot be approved. One whose time is over reads as expired, whoever has written that down yet. */
export function showApproval(record: ApprovalRecord, now: number): Approval {
  const isOver = (record.state === 'pending' || record.state === 'approved') && Date.parse(record.expiresAt) <= now;
  return {
    approvalId: record.approvalId,
    taskId: record.taskId,
    agentId: record.agentId,
    tool: record.toolKey.replace(/^tool:/, ''),
    digest: Buffer.from(record.digest).toString('hex'),
    shown: record.shown,
    requestedBy: record.requestedBy,
    state: isOver ? 'expired' : record.state,
    requestedAt: record.requestedAt,
    expiresAt: record.expiresAt,
    decidedBy: record.decidedBy ?? null,
    decidedAt: record.decidedAt ?? null,
    decisionReason: record.decisionReason ?? null,
  };
}
