import { oneCall } from '../../src/core/budget.ts';
import { toolKey } from '../../src/core/scope-key.ts';
import { decideApproval, requestApproval } from '../../src/store/approvals.ts';
import { type Admission, type AdmitRequest, admit } from '../../src/store/calls.ts';
import type { Store } from '../../src/store/pool.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { digestOf, type Ledger, newId } from './ledger.ts';

/** Of an approval where neither policy nor people are what is looked at; nobody is flooded. */
export const terms = {
  policyVersion: 'none',
  approvers: 1,
  limits: { maxOpen: 1_000, maxPerMinute: 10_000, quietAfterDenialMs: 60_000 },
} as const;

export const tool = toolKey('mail', 'send');

/** Calls of one tool through one gateway, and their approvals. */
export function callsThrough(gatewayId: () => string) {
  const ask = (task: TaskRecord, changes: Partial<AdmitRequest> = {}): AdmitRequest => ({
    callId: newId('call'),
    gatewayId: gatewayId(),
    taskId: task.taskId,
    tokenEpoch: task.epoch,
    keys: task.keys,
    toolKey: tool,
    digest: digestOf('the call'),
    needsApproval: false,
    worst: oneCall,
    policyVersion: terms.policyVersion,
    approvers: terms.approvers,
    ...changes,
  });
  const call = (
    l: Ledger,
    task: TaskRecord,
    changes: Partial<AdmitRequest> = {},
    store: Store = l.as('estop_gateway'),
  ): Promise<Admission> => admit(store, ask(task, changes));

  const approve = async (l: Ledger, task: TaskRecord, text = 'the call', actor = 'anna'): Promise<string> => {
    const asked = await requestApproval(l.as('estop_gateway'), {
      approvalId: newId('appr'),
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: tool,
      digest: digestOf(text),
      shown: text,
      ttlMs: 60_000,
      ...terms,
    });
    if (asked.kind !== 'open') throw new Error('no approval was opened');
    const decided = await decideApproval(l.as('estop_control'), {
      approvalId: asked.approvalId,
      decision: 'approved',
      actor,
      reason: '',
    });
    if (decided.kind !== 'decided') throw new Error(JSON.stringify(decided));
    return asked.approvalId;
  };
  return { ask, call, approve };
}
