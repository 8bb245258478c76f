import type { ApprovalContext } from '../contract/http/approval-context.ts';
import type { Approval, ApprovalDecision, ApprovalPage } from '../contract/http/approvals.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

export interface Approvals {
  /** Whatever its state. `shown` is all of what would be sent, written by an agent: escape it wherever it is shown. */
  get(approvalId: string): Promise<Approval>;
  /** The same with what a person needs beside it: tier, task, who answers for the agent, the last call like it. */
  context(approvalId: string): Promise<ApprovalContext>;
  list(query?: {
    readonly state?: 'pending' | 'all';
    readonly task?: string;
    readonly cursor?: string;
    readonly limit?: number;
  }): Promise<ApprovalPage>;
  approve(approvalId: string, options?: { readonly reason?: string }): Promise<ApprovalDecision>;
  deny(approvalId: string, options?: { readonly reason?: string }): Promise<ApprovalDecision>;
}

export function createApprovals(call: Transport, baseUrl: string): Approvals {
  const decide = (
    approvalId: string,
    decision: 'approved' | 'denied',
    reason: string | undefined,
  ): Promise<ApprovalDecision> =>
    call({
      method: 'POST',
      baseUrl,
      path: `/v1/approvals/${pathSegment(approvalId)}:decide`,
      body: { decision, ...(reason === undefined ? {} : { reason }) },
    });
  return {
    get: (approvalId) => call({ method: 'GET', baseUrl, path: `/v1/approvals/${pathSegment(approvalId)}` }),
    context: (approvalId) => call({ method: 'GET', baseUrl, path: `/v1/approvals/${pathSegment(approvalId)}/context` }),
    list: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/approvals', query }),
    approve: (approvalId, { reason } = {}) => decide(approvalId, 'approved', reason),
    deny: (approvalId, { reason } = {}) => decide(approvalId, 'denied', reason),
  };
}
