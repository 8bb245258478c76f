import { type Admission, type AdmitRequest, admissionOf } from './calls.ts';
import { call, type Store } from './pool.ts';
import { text } from './row.ts';

/**
 * ADMIT for calls that wait at the same time through one gateway, in one round trip and one commit. Each is decided for itself; an error
 * in one undoes them all. What needs an approval had better be asked about alone: approvals are locked before budgets.
 * rule: admit-checks-stops, admit-stops-last
 */
export async function admitMany(
  store: Store,
  gatewayId: string,
  requests: readonly Omit<AdmitRequest, 'gatewayId'>[],
): Promise<ReadonlyMap<string, Admission>> {
  const calls = requests.map(({ worst, digest, ...request }) => ({
    call: request.callId,
    task: request.taskId,
    epoch: request.tokenEpoch,
    keys: request.keys,
    tool: request.toolKey,
    worst: [worst.calls, worst.tokens, worst.microcents],
    digest: Buffer.from(digest).toString('hex'),
    approval: request.needsApproval,
    version: request.policyVersion,
    approvers: request.approvers,
    flow: request.flowSeq,
    policies: request.policies ?? [],
  }));
  const rows = await call(
    store,
    'admit_many',
    'SELECT call_id, decision, stop_id, approval_id FROM estop.admit_many($1, $2)',
    [gatewayId, JSON.stringify(calls)],
  );
  return new Map(rows.map((row) => [text(row, 'call_id'), admissionOf(row)]));
}
