/** The life of an approval, as pure rules (the store: migrations/0005). It authorises exactly one call, once. */

export type ApprovalState = 'pending' | 'approved' | 'denied' | 'expired' | 'closed' | 'redeemed';

/** What keeps people from being flooded, per agent. */
export interface ApprovalLimits {
  readonly maxOpen: number;
  readonly maxPerMinute: number;
  /** How long a call that a person denied is not asked about again, in the same task. */
  readonly quietAfterDenialMs: number;
}

export const defaultApprovalLimits: ApprovalLimits = {
  maxOpen: 20,
  maxPerMinute: 20,
  quietAfterDenialMs: 15 * 60_000,
};

export interface ApprovalLife {
  readonly state: ApprovalState;
  /** How many different people must approve it, and the first of two. */
  readonly approvers: 1 | 2;
  readonly firstBy?: string;
  /** Whoever asked for the task. */
  readonly requestedBy: string;
  /** Who answers for its agents, or did when it was asked for; nobody where that is allowed. */
  readonly barred?: readonly string[];
  readonly expiresAt: number;
}

interface Decide {
  readonly kind: 'decide';
  readonly decision: 'approved' | 'denied';
  readonly actor: string;
  /** Every other name that this person goes by. */
  readonly names?: readonly string[];
}

export type ApprovalEvent =
  | Decide
  /** A call with exactly these bytes; `call` is what became of it after every other check. */
  | { readonly kind: 'redeem'; readonly call: 'allow' | 'stopped' | 'task-closed' | 'held' }
  /** A stop, or the end of its task. */
  | { readonly kind: 'close' };

export type ApprovalAnswer =
  | 'decided'
  | 'not-eligible'
  | 'needs-second'
  | 'same-person'
  | 'closed'
  | 'needs-approval'
  | 'allow'
  | 'stopped'
  | 'task-closed'
  | 'held';

export interface ApprovalStep {
  readonly approval: ApprovalLife;
  readonly answer: ApprovalAnswer;
}

/** @param dead is it killed by a stop, as of now? */
export function onApproval(approval: ApprovalLife, event: ApprovalEvent, now: number, dead: boolean): ApprovalStep {
  const current = asOf(approval, now);
  switch (event.kind) {
    case 'decide':
      return decide(current, event, dead);
    case 'redeem':
      return redeem(current, event.call);
    case 'close':
      return { approval: isOpen(current) ? { ...current, state: 'closed' } : current, answer: 'closed' };
  }
}

/** Expiry is a denial, whoever has written it down yet. */
export function asOf(approval: ApprovalLife, now: number): ApprovalLife {
  return isOpen(approval) && approval.expiresAt <= now ? { ...approval, state: 'expired' } : approval;
}

function isOpen(approval: ApprovalLife): boolean {
  return approval.state === 'pending' || approval.state === 'approved';
}

/**
 * Whoever asked, or answers for the agent, may deny and never approve; of two who must, nobody is both. The stop is asked last: an
 * approval never outlives one.
 */
function decide(approval: ApprovalLife, { decision, actor, names = [] }: Decide, dead: boolean): ApprovalStep {
  if (approval.state !== 'pending') return { approval, answer: 'closed' };
  const mine = new Set([actor, ...names].map((name) => name.toLowerCase()));
  const isMe = (name: string | undefined): boolean => name !== undefined && mine.has(name.toLowerCase());
  if (decision === 'approved' && [approval.requestedBy, ...(approval.barred ?? [])].some(isMe))
    return { approval, answer: 'not-eligible' };
  if (decision === 'approved' && isMe(approval.firstBy)) return { approval, answer: 'same-person' };
  if (dead) return { approval: { ...approval, state: 'closed' }, answer: 'closed' };
  if (decision === 'approved' && approval.approvers === 2 && approval.firstBy === undefined)
    return { approval: { ...approval, firstBy: actor }, answer: 'needs-second' };
  return { approval: { ...approval, state: decision }, answer: 'decided' };
}

/** A hold gives it back, because the same call will be made again; a stop and a closed task end it. */
function redeem(approval: ApprovalLife, call: 'allow' | 'stopped' | 'task-closed' | 'held'): ApprovalStep {
  if (approval.state !== 'approved') return { approval, answer: 'needs-approval' };
  if (call === 'allow') return { approval: { ...approval, state: 'redeemed' }, answer: call };
  return { approval: call === 'held' ? approval : { ...approval, state: 'closed' }, answer: call };
}
