import type { ApprovalRequest, RequestedApproval } from '../../store/approvals.ts';
import type { Admission, AdmitRequest } from '../../store/calls.ts';
import type { HandOver } from '../../store/grants.ts';

/** What a gated call needs of the store. Each is one round trip on the connections of the allow path. */
export interface LedgerPort {
  admit(request: AdmitRequest): Promise<Admission>;
  requestApproval(request: ApprovalRequest): Promise<RequestedApproval>;
  handOver(taskId: string, name: string, tokenEpoch: number): Promise<HandOver>;
}
