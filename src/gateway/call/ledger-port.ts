import type { ApprovalRequest, RequestedApproval } from '../../store/approvals.ts';
import type { Admission, AdmitRequest } from '../../store/calls.ts';
import type { Obtained } from '../../store/grant-wants.ts';
import type { HandOver } from '../../store/grants.ts';

/**
 * What a gated call needs of the store. Each is one round trip on the connections of the allow path.
 *
 * Budgets: ADMIT reserves `worst`, the most that this one call can cost; without room for it the call is denied. How it ended is
 * settled with `host.settle(callId, outcome, used)`: `denied` releases everything (it was not made), any other outcome without
 * `used` spends the worst, and `completed` or `failed` with `used` spends what the provider says. What is never settled stays spent.
 */
export interface LedgerPort {
  admit(request: AdmitRequest): Promise<Admission>;
  requestApproval(request: ApprovalRequest): Promise<RequestedApproval>;
  handOver(taskId: string, name: string, tokenEpoch: number): Promise<HandOver>;
  /** The same of a grant that is issued at its first use; one that is not there is asked for. */
  obtainGrant(taskId: string, name: string, tokenEpoch: number): Promise<Obtained>;
}
