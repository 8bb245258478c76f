import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { callOne, type Store } from './pool.ts';
import { bool, int, present, type Row, text, textOrUndefined, word } from './row.ts';
import { storeError } from './store-error.ts';
import { tables } from './tables.ts';

export interface AdmitRequest {
  readonly callId: string;
  readonly gatewayId: string;
  readonly taskId: string;
  /** Of the token: never younger than the task's own. */
  readonly tokenEpoch: number;
  /** Of the token, as verified. Those of the task are added from the ledger. */
  readonly keys: readonly string[];
  readonly toolKey: string;
  /** SHA-256 of the canonical bytes of exactly this call. */
  readonly digest: Uint8Array;
  readonly needsApproval: boolean;
  /** An approval counts under the version it was asked under, and only if at least so many people gave it. */
  readonly policyVersion: string;
  readonly approvers: 1 | 2;
}

/** A denial is a value. Whatever is none of these throws, and a caller that cannot read the answer denies. */
export type Admission =
  | { readonly kind: 'allow'; readonly approvalId?: string }
  | { readonly kind: 'needs-approval' }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'held' }
  | { readonly kind: 'denied'; readonly reason: 'unknown-task' | 'task-closed' | 'unknown-gateway' };

export type CallOutcome = 'completed' | 'failed' | 'denied' | 'possibly-completed';

export interface CallRecord {
  readonly callId: string;
  readonly gatewayId: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly toolKey: string;
  readonly epoch: number;
  readonly approvalId?: string;
  readonly admittedAt: string;
  readonly settledAt?: string;
  readonly outcome?: string;
}

/** One round trip. The intent is on disk before anything is sent. rule: admit-checks-stops, admit-stops-last */
export async function admit(store: Store, request: AdmitRequest): Promise<Admission> {
  const row = await callOne(
    store,
    'admit',
    'SELECT decision, stop_id, approval_id FROM estop.admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      request.callId,
      request.gatewayId,
      request.taskId,
      request.tokenEpoch,
      request.keys,
      request.toolKey,
      Buffer.from(request.digest),
      request.needsApproval,
      request.policyVersion,
      request.approvers,
    ],
  );
  const decision = word(row, 'decision', [
    'allow',
    'needs-approval',
    'stopped',
    'held',
    'unknown-task',
    'task-closed',
    'unknown-gateway',
  ] as const);
  switch (decision) {
    case 'allow':
      return { kind: decision, ...present({ approvalId: textOrUndefined(row, 'approval_id') }) };
    case 'stopped':
      return { kind: decision, stopId: text(row, 'stop_id') };
    case 'needs-approval':
    case 'held':
      return { kind: decision };
    case 'unknown-task':
    case 'task-closed':
    case 'unknown-gateway':
      return { kind: 'denied', reason: decision };
  }
}

/** Settled once: false if it was already, for example by a fence report that called it possibly-completed. */
export async function settle(store: Store, callId: string, outcome: CallOutcome): Promise<boolean> {
  return bool(await callOne(store, 'settle', 'SELECT estop.settle($1, $2) AS settled', [callId, outcome]), 'settled');
}

export interface CallFilter extends PageRequest {
  readonly taskId?: string;
  readonly agentId?: string;
}

/** Newest first. */
export async function listCalls(store: Store, filter: CallFilter = {}): Promise<Page<CallRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = tables(store)
    .selectFrom('calls')
    .selectAll()
    .orderBy('admitted_at', 'desc')
    .orderBy('call_id', 'desc')
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('admitted_at', 'call_id'), '<', tuple(after[0], after[1])),
    );
  if (filter.taskId !== undefined) query = query.where('task_id', '=', filter.taskId);
  if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId);
  try {
    const rows = await query.execute();
    return pageOf(
      rows.map((row) => callOf({ ...row })),
      limit,
      (one) => [one.admittedAt, one.callId],
    );
  } catch (thrown) {
    throw storeError(thrown);
  }
}

function callOf(row: Row): CallRecord {
  return {
    callId: text(row, 'call_id'),
    gatewayId: text(row, 'gateway_id'),
    taskId: text(row, 'task_id'),
    agentId: text(row, 'agent_id'),
    toolKey: text(row, 'tool_key'),
    epoch: int(row, 'epoch'),
    admittedAt: text(row, 'admitted_at'),
    ...present({
      approvalId: textOrUndefined(row, 'approval_id'),
      settledAt: textOrUndefined(row, 'settled_at'),
      outcome: textOrUndefined(row, 'outcome'),
    }),
  };
}
