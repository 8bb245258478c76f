import { type BudgetScope, type BudgetUnit, budgetScopes, isSpend, type Spend } from '../core/budget.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { callOne, type Store } from './pool.ts';
import { int, present, type Row, text, textOrUndefined, texts, word } from './row.ts';
import { rowsOf, tables } from './tables.ts';

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
  /** The most that this call can cost. It is reserved before the call is made, or the call is denied. */
  readonly worst: Spend;
  /** An approval counts under the version it was asked under, and only if at least so many people gave it. */
  readonly policyVersion: string;
  readonly approvers: 1 | 2;
  /** The memory of the task's data flow that the policy decided by; undefined if it decided without one. */
  readonly flowSeq?: number | undefined;
  /** The policies that decided, for the record of the call. */
  readonly policies?: readonly string[];
}

/** A denial is a value. Whatever is none of these throws, and a caller that cannot read the answer denies. */
export type Admission =
  | { readonly kind: 'allow'; readonly approvalId?: string }
  | { readonly kind: 'needs-approval' }
  /** Another gateway has added to the memory of the task's data flow, or is about to: decide again. */
  | { readonly kind: 'stale-flow' }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'held' }
  | { readonly kind: 'over-budget'; readonly scope: BudgetScope; readonly unit: BudgetUnit }
  | { readonly kind: 'denied'; readonly reason: 'unknown-task' | 'task-closed' | 'unknown-gateway' | 'unwatched' };

/** What ADMIT says in words of its own, `over-budget day tokens` for one. */
function overBudgetOf(text: string): Admission | undefined {
  const [word, scopeText, unitText] = text.split(' ');
  if (word !== 'over-budget') return undefined;
  const scope = budgetScopes.find((one) => one === scopeText);
  const unit = scope === undefined ? undefined : unitWords[unitText ?? ''];
  return scope === undefined || unit === undefined ? undefined : { kind: 'over-budget', scope, unit };
}

const unitWords: Readonly<Record<string, BudgetUnit>> = { calls: 'calls', tokens: 'tokens', cents: 'microcents' };

export type CallOutcome = 'completed' | 'failed' | 'denied' | 'possibly-completed';

export interface CallRecord {
  readonly callId: string;
  readonly gatewayId: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly toolKey: string;
  readonly epoch: number;
  readonly approvalId?: string;
  /** What decided: the version of the policies, and those of them that did. */
  readonly policyVersion: string;
  readonly policies: readonly string[];
  readonly admittedAt: string;
  readonly settledAt?: string;
  readonly outcome?: string;
}

/** One round trip. The intent is on disk before anything is sent. rule: admit-checks-stops, admit-stops-last */
export async function admit(store: Store, request: AdmitRequest): Promise<Admission> {
  const row = await callOne(
    store,
    'admit',
    'SELECT decision, stop_id, approval_id FROM estop.admit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)',
    [
      request.callId,
      request.gatewayId,
      request.taskId,
      request.tokenEpoch,
      request.keys,
      request.toolKey,
      [request.worst.calls, request.worst.tokens, request.worst.microcents],
      Buffer.from(request.digest),
      request.needsApproval,
      request.policyVersion,
      request.approvers,
      request.flowSeq ?? null,
      request.policies ?? [],
    ],
  );
  return admissionOf(row);
}

/** What ADMIT says of one call. */
export function admissionOf(row: Row): Admission {
  const overBudget = overBudgetOf(text(row, 'decision'));
  if (overBudget !== undefined) return overBudget;
  const decision = word(row, 'decision', [
    'allow',
    'needs-approval',
    'stale-flow',
    'stopped',
    'held',
    'unknown-task',
    'task-closed',
    'unknown-gateway',
    'unwatched',
  ] as const);
  switch (decision) {
    case 'allow':
      return { kind: decision, ...present({ approvalId: textOrUndefined(row, 'approval_id') }) };
    case 'stopped':
      return { kind: decision, stopId: text(row, 'stop_id') };
    case 'needs-approval':
    case 'stale-flow':
    case 'held':
      return { kind: decision };
    case 'unknown-task':
    case 'task-closed':
    case 'unknown-gateway':
    case 'unwatched':
      return { kind: 'denied', reason: decision };
  }
}

/** Settled once: false if it was already, for example by a fence report that called it possibly-completed. */
export async function settle(store: Store, callId: string, outcome: CallOutcome, used?: Spend): Promise<boolean> {
  return (await settleCalls(store, [{ callId, outcome, ...present({ used }) }])) === 1;
}

/** How a call ended, as the ledger will say it. */
export interface SettledCall {
  readonly callId: string;
  readonly outcome: CallOutcome;
  /** What its provider says that it cost; without it the worst case stays spent. */
  readonly used?: Spend;
}

/** Each is settled, or was settled already. On disk before it returns: a confirmation relies on it. Says how many were open. */
export async function settleCalls(store: Store, calls: readonly SettledCall[]): Promise<number> {
  return int(await callOne(store, 'settle_many', `SELECT ${settleSql} AS settled`, settledColumns(calls)), 'settled');
}

/**
 * The same without waiting for the disk, for calls that were answered: half of all commits of the allow path. What a crash of
 * the store takes back leaves a call unsettled, and what it reserved spent: that says less of it and nothing false. ADMIT is
 * never written so.
 */
export async function settleCallsSoon(store: Store, calls: readonly SettledCall[]): Promise<void> {
  const query = `SELECT mode.set_config, ${settleSql} AS settled FROM (SELECT set_config('synchronous_commit', 'off', true)) AS mode`;
  await callOne(store, 'settle_soon', query, settledColumns(calls));
}

const settleSql = 'estop.settle_calls($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])';

/** As the columns that every statement takes that settles. */
export function settledColumns(calls: readonly SettledCall[]): readonly (readonly unknown[])[] {
  // What is no amount is not sent: the worst case stays spent.
  const used = calls.map((one) => (one.used !== undefined && isSpend(one.used) ? one.used : undefined));
  return [
    calls.map(({ callId }) => callId),
    calls.map(({ outcome }) => outcome),
    used.map((spend) => spend?.calls ?? null),
    used.map((spend) => spend?.tokens ?? null),
    used.map((spend) => spend?.microcents ?? null),
  ];
}

export interface CallFilter extends PageRequest {
  readonly taskId?: string;
  readonly agentId?: string;
}

/** Newest first. */
export async function listCalls(store: Store, filter: CallFilter = {}): Promise<Page<CallRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
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
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(callOf), limit, (one) => [one.admittedAt, one.callId]);
}

function callOf(row: Row): CallRecord {
  return {
    callId: text(row, 'call_id'),
    gatewayId: text(row, 'gateway_id'),
    taskId: text(row, 'task_id'),
    agentId: text(row, 'agent_id'),
    toolKey: text(row, 'tool_key'),
    epoch: int(row, 'epoch'),
    policyVersion: text(row, 'policy_version'),
    policies: texts(row, 'policies'),
    admittedAt: text(row, 'admitted_at'),
    ...present({
      approvalId: textOrUndefined(row, 'approval_id'),
      settledAt: textOrUndefined(row, 'settled_at'),
      outcome: textOrUndefined(row, 'outcome'),
    }),
  };
}
