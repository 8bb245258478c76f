import type { ApprovalLimits, ApprovalState } from '../core/approval.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { bytesOrUndefined, int, json, present, type Row, text, textOrUndefined, texts, word } from './row.ts';
import { storeError } from './store-error.ts';
import { rowsOf, tables } from './tables.ts';

export const approvalStates = [
  'pending',
  'approved',
  'denied',
  'expired',
  'closed',
  'redeemed',
] as const satisfies readonly ApprovalState[];

/** One policy that asks, and what it says of this call: our own words around values, which stand in quotation marks. */
export interface ApprovalReason {
  readonly policy: string;
  readonly sentence: string;
}

export interface ApprovalRecord {
  readonly approvalId: string;
  readonly taskId: string;
  readonly agentId: string;
  readonly epoch: number;
  readonly toolKey: string;
  readonly digest: Uint8Array;
  /** Built from the canonical bytes by our own templates; the only text a person decides on. */
  readonly shown: string;
  /** Why a person was asked, when it was first asked. */
  readonly reasons: readonly ApprovalReason[];
  readonly policyVersion: string;
  /** How many people must approve it. */
  readonly approvers: number;
  readonly requestedBy: string;
  /** Who answered for its agents when it was asked for, and may not approve it; in lower case. */
  readonly barred: readonly string[];
  /** As of the read: one whose time has passed is `expired`, whoever has written that down yet. */
  readonly state: ApprovalState;
  readonly requestedAt: string;
  readonly expiresAt: string;
  /** The first of two who approved it. */
  readonly firstBy?: string;
  readonly decidedBy?: string;
  readonly decidedAt?: string;
  readonly decisionReason?: string;
  readonly callId?: string;
  /** When it was no longer open: denied, redeemed, closed, or its time over. */
  readonly endedAt?: string;
  /** The stop that closed it. */
  readonly endedBy?: string;
}

export type ApprovalRequest = {
  readonly approvalId: string;
  readonly taskId: string;
  readonly tokenEpoch: number;
  readonly toolKey: string;
  readonly digest: Uint8Array;
  readonly shown: string;
  readonly ttlMs: number;
  readonly policyVersion: string;
  readonly approvers: 1 | 2;
  readonly limits: ApprovalLimits;
  readonly reasons?: readonly ApprovalReason[];
};

/** `open` may be an earlier request for the same call, already approved: then the call is simply made again. */
export type RequestedApproval =
  | {
      readonly kind: 'open';
      readonly approvalId: string;
      readonly state: 'pending' | 'approved';
      readonly expiresAt: string;
    }
  | { readonly kind: 'refused' }
  /** A person denied this call of this task a short while ago. */
  | { readonly kind: 'denied-before' }
  /** The agent asks for more than people can look at. */
  | { readonly kind: 'too-many' };

export async function requestApproval(store: Store, request: ApprovalRequest): Promise<RequestedApproval> {
  const [row] = await call(
    store,
    'request_approval',
    'SELECT decision, approval_id, state, expires_at FROM estop.request_approval($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)',
    [
      request.approvalId,
      request.taskId,
      request.tokenEpoch,
      request.toolKey,
      Buffer.from(request.digest),
      request.shown,
      request.ttlMs,
      request.policyVersion,
      request.approvers,
      request.limits.quietAfterDenialMs,
      request.limits.maxOpen,
      request.limits.maxPerMinute,
      JSON.stringify(request.reasons ?? []),
    ],
  );
  if (row === undefined) return { kind: 'refused' };
  const kind = word(row, 'decision', ['open', 'refused', 'denied-before', 'too-many'] as const);
  if (kind !== 'open') return { kind };
  return {
    kind,
    approvalId: text(row, 'approval_id'),
    state: word(row, 'state', ['pending', 'approved'] as const),
    expiresAt: text(row, 'expires_at'),
  };
}

/** What it rests on that somebody may approve. All of it must hold when the approval is redeemed, by what the store knows then. */
export interface ApprovalGround {
  /** A person whom the ledger knows, with the role they took for a while if they had taken one. */
  readonly person?: string;
  readonly elevation?: string;
  readonly apiToken?: string;
  /** A key of `sayApprovers`. */
  readonly listed?: string;
  /** By which an admin shuts out whoever is listed without being signed in. */
  readonly named?: string;
}

export type ApprovalDecision =
  | { readonly kind: 'decided'; readonly taskId: string; readonly state: 'approved' | 'denied' }
  | { readonly kind: 'closed'; readonly taskId: string; readonly state: ApprovalState }
  /** Whoever asked for the task, or answers for its agent, may deny its calls, never approve them. */
  | { readonly kind: 'not-eligible'; readonly taskId: string }
  /** One of two has approved it; it stays open until another does. */
  | { readonly kind: 'needs-second'; readonly taskId: string }
  /** Whoever approved it first cannot be the second. */
  | { readonly kind: 'same-person'; readonly taskId: string }
  | { readonly kind: 'unknown' };

export async function decideApproval(
  store: Store,
  decision: {
    readonly approvalId: string;
    readonly decision: 'approved' | 'denied';
    readonly actor: string;
    readonly reason: string;
    /** Every other name that this person goes by. */
    readonly names?: readonly string[];
    readonly ground?: ApprovalGround;
  },
): Promise<ApprovalDecision> {
  const [row] = await call(
    store,
    'decide_approval',
    'SELECT outcome, task_id, state FROM estop.decide_approval($1, $2, $3, $4, $5, $6)',
    [
      decision.approvalId,
      decision.decision,
      decision.actor,
      decision.reason,
      [...(decision.names ?? [])],
      decision.ground === undefined ? null : JSON.stringify(decision.ground),
    ],
  );
  if (row === undefined) throw storeError({ code: 'XX000' });
  const outcome = word(row, 'outcome', [
    'decided',
    'closed',
    'not-eligible',
    'needs-second',
    'same-person',
    'unknown',
  ] as const);
  switch (outcome) {
    case 'decided':
      return { kind: outcome, taskId: text(row, 'task_id'), state: decision.decision };
    case 'closed':
      return { kind: outcome, taskId: text(row, 'task_id'), state: word(row, 'state', approvalStates) };
    case 'not-eligible':
    case 'needs-second':
    case 'same-person':
      return { kind: outcome, taskId: text(row, 'task_id') };
    case 'unknown':
      return { kind: outcome };
  }
}

/** By the clock that took its end. */
export const approvalAsOfNow = `*, CASE WHEN state IN ('pending', 'approved') AND expires_at <= clock_timestamp() THEN 'expired' ELSE state END AS state_now`;

/** What a task believes about its approval: this, never a message. */
export async function getApproval(store: Store, approvalId: string): Promise<ApprovalRecord | undefined> {
  const [row] = await call(store, 'approval', `SELECT ${approvalAsOfNow} FROM estop.approvals WHERE approval_id = $1`, [
    approvalId,
  ]);
  return row === undefined ? undefined : approvalOf(row);
}

export interface ApprovalFilter extends PageRequest {
  readonly taskId?: string;
  readonly pending?: boolean;
}

/** Newest first. */
export async function listApprovals(store: Store, filter: ApprovalFilter = {}): Promise<Page<ApprovalRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
    .selectFrom('approvals')
    .selectAll()
    .select((eb) =>
      eb
        .case()
        .when(
          eb.and([
            eb('state', 'in', ['pending', 'approved']),
            eb('expires_at', '<=', eb.fn<string>('clock_timestamp')),
          ]),
        )
        .then('expired')
        .else(eb.ref('state'))
        .end()
        .as('state_now'),
    )
    .orderBy('requested_at', 'desc')
    .orderBy('approval_id', 'desc')
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('requested_at', 'approval_id'), '<', tuple(after[0], after[1])),
    );
  if (filter.taskId !== undefined) query = query.where('task_id', '=', filter.taskId);
  if (filter.pending === true) query = query.where('state', '=', 'pending');
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(approvalOf), limit, (one) => [one.requestedAt, one.approvalId]);
}

/** Of those that can still be decided, and no more than so many. */
export async function countPendingApprovals(store: Store, most: number): Promise<number> {
  const query = `SELECT count(*)::integer AS n FROM
    (SELECT 1 FROM estop.approvals WHERE state = 'pending' AND expires_at > clock_timestamp() LIMIT $1) AS one`;
  return int(await callOne(store, 'count_pending_approvals', query, [most]), 'n');
}

export function approvalOf(row: Row): ApprovalRecord {
  return {
    approvalId: text(row, 'approval_id'),
    taskId: text(row, 'task_id'),
    agentId: text(row, 'agent_id'),
    epoch: int(row, 'epoch'),
    toolKey: text(row, 'tool_key'),
    digest: bytesOrUndefined(row, 'digest') ?? new Uint8Array(),
    shown: text(row, 'shown'),
    reasons: reasonsIn(json(row, 'reasons')),
    policyVersion: text(row, 'policy_version'),
    approvers: int(row, 'approvers'),
    requestedBy: text(row, 'requested_by'),
    barred: texts(row, 'barred'),
    state: word(row, 'state_now', approvalStates),
    requestedAt: text(row, 'requested_at'),
    expiresAt: text(row, 'expires_at'),
    ...present({
      firstBy: textOrUndefined(row, 'first_by'),
      decidedBy: textOrUndefined(row, 'decided_by'),
      decidedAt: textOrUndefined(row, 'decided_at'),
      decisionReason: textOrUndefined(row, 'decision_reason'),
      callId: textOrUndefined(row, 'call_id'),
      endedAt: textOrUndefined(row, 'ended_at'),
      endedBy: textOrUndefined(row, 'ended_by'),
    }),
  };
}

function reasonsIn(value: unknown): readonly ApprovalReason[] {
  if (!Array.isArray(value)) throw storeError({ code: 'XX000' });
  return value.map((one: unknown) => {
    const { policy, sentence } = Object(one) as { readonly policy?: unknown; readonly sentence?: unknown }; // both are looked at
    if (typeof policy !== 'string' || typeof sentence !== 'string') throw storeError({ code: 'XX000' });
    return { policy, sentence };
  });
}
