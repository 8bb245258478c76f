import { leaseMs } from '../../contract/numbers.ts';
import { createView, type FenceView, type StopInView } from './view.ts';

/** Both clocks, read together. The monotonic one stands still while a machine is suspended; the wall clock tells on it. */
export interface Instant {
  readonly mono: number;
  readonly wall: number;
}

export const clockToleranceMs = 250;

export type LeaseReply =
  | {
      readonly granted: true;
      readonly epoch: number;
      readonly storeId: string;
      /** Milliseconds of the store's clock. */
      readonly storeNow: number;
      /** When the newest full reading of the intake began, by the store's clock. */
      readonly drainedAt: number | undefined;
      readonly stops: readonly StopInView[];
      /** How old the newest mark of the beat was, by the store's clock, when the renewal had reached it. */
      readonly markAgeMs: number;
      /** What took the epoch of this reply, and what took the one that was asked about. */
      readonly newestOrder?: string | undefined;
      readonly seenOrder?: string | undefined;
    }
  | { readonly granted: false; readonly refusal: 'no-beat' | 'retired' };

/** An epoch, and which order took it. */
export interface SeenOrder {
  readonly epoch: number;
  readonly order: string;
}

export type LeaseEvent =
  | {
      readonly kind: 'reply';
      readonly sent: Instant;
      readonly received: Instant;
      /** What the renewal said: whether it was sent in a gap. */
      readonly afterGap: boolean;
      /** What it asked about. */
      readonly asked?: SeenOrder | undefined;
      readonly reply: LeaseReply;
    }
  /** Time passed: a lease that has run out, or that a clock jump has voided, is dropped for good. */
  | { readonly kind: 'time'; readonly now: Instant };

export type Refusal = 'no-beat' | 'retired' | 'store-restored';

/** Between leases orders may have gone to the intake; nothing is admitted before it was read to its end. */
type Gap =
  | { readonly kind: 'open' }
  | { readonly kind: 'draining'; readonly since: number }
  | { readonly kind: 'closed' };

export interface LeaseState {
  readonly storeId: string;
  /** The highest epoch that was seen of this store before this process began. */
  readonly floor: number;
  /** The newest order that was seen of it. */
  readonly seen: SeenOrder | undefined;
  readonly view: FenceView | undefined;
  readonly lease: { readonly sent: Instant; readonly until: number } | undefined;
  readonly gap: Gap;
  readonly newest: { readonly sentAt: number; readonly receivedAt: number };
  readonly refusal: Refusal | undefined;
}

export type Standing =
  | { readonly live: true; readonly view: FenceView }
  | { readonly live: false; readonly why: Refusal | 'no-lease' | 'draining' };

/** The first lease ends a gap like any other: a gateway starts in one. */
export function firstLease(storeId: string, floor = -1, seen?: SeenOrder): LeaseState {
  const never = { sentAt: Number.NEGATIVE_INFINITY, receivedAt: Number.NEGATIVE_INFINITY };
  return {
    storeId,
    floor,
    seen,
    view: undefined,
    lease: undefined,
    gap: { kind: 'open' },
    newest: never,
    refusal: undefined,
  };
}

/** rule: lease */
export function standing(state: LeaseState, now: Instant): Standing {
  if (state.view === undefined || !holds(state, now)) return { live: false, why: state.refusal ?? 'no-lease' };
  if (state.gap.kind !== 'closed') return { live: false, why: 'draining' };
  return { live: true, view: state.view };
}

/** Whether a renewal sent now must say that it ends a gap. It says so until the gap is closed: a drain once asked for may have begun too early. */
export function inGap(state: LeaseState, now: Instant): boolean {
  return state.gap.kind !== 'closed' || !holds(state, now);
}

export function advance(state: LeaseState, event: LeaseEvent): LeaseState {
  switch (event.kind) {
    case 'time':
      return lapse(state, event.now);
    case 'reply':
      return event.reply.granted
        ? renewed(lapse(state, event.received), event, event.reply)
        : refused(lapse(state, event.received), event.reply.refusal);
  }
}

function renewed(
  state: LeaseState,
  event: Extract<LeaseEvent, { kind: 'reply' }>,
  reply: Extract<LeaseReply, { granted: true }>,
): LeaseState {
  if (reply.storeId !== state.storeId) return refused(state, 'store-restored');
  // It may be as high as ever: where another order took the epoch, the one that was seen here is lost. rule: refuse-lower-epoch
  if (event.asked !== undefined && reply.seenOrder !== event.asked.order) return refused(state, 'store-restored');
  const seen = Math.max(state.view?.epoch ?? -1, state.floor);
  if (reply.epoch < seen) {
    // Asked after the newer epoch was known, and still older: the store itself has gone back. rule: refuse-lower-epoch
    return event.sent.mono >= state.newest.receivedAt ? refused(state, 'store-restored') : state;
  }
  // Epochs order replies; among equals the sending does. rule: late-reply-dropped
  if (reply.epoch === seen && event.sent.mono < state.newest.sentAt) return state;

  const lease = later(state.lease, leaseOf(event, reply.markAgeMs));
  return {
    ...state,
    seen: reply.newestOrder === undefined ? state.seen : { epoch: reply.epoch, order: reply.newestOrder },
    view: createView(reply.epoch, reply.stops),
    lease,
    gap: lease === undefined ? { kind: 'open' } : nextGap(state.gap, event.afterGap, reply),
    newest: { sentAt: Math.max(state.newest.sentAt, event.sent.mono), receivedAt: event.received.mono },
    refusal: undefined,
  };
}

/**
 * One lease from the sending, and no more than one lease from the mark of the beat. The age of the mark is a length of time by
 * the store's clock; taken off from the sending, which was before it was measured, it makes the mark older here, never younger.
 * A clock that was stepped meanwhile is told by the first look at the lease, which begins at the same sending.
 * rule: lease-from-send, lease-needs-beat
 */
function leaseOf(
  event: { readonly sent: Instant; readonly received: Instant },
  markAgeMs: number,
): LeaseState['lease'] {
  const until = event.sent.mono + leaseMs - Math.max(0, markAgeMs);
  return event.received.mono < until ? { sent: event.sent, until } : undefined;
}

function later(one: LeaseState['lease'], other: LeaseState['lease']): LeaseState['lease'] {
  if (one === undefined || other === undefined) return one ?? other;
  return other.until >= one.until ? other : one;
}

/**
 * A gap is over when the intake has been read, beginning after the store's time of the first renewal that was sent in the gap.
 * Strictly after: the store's clock is read here in milliseconds, and a drain of the same millisecond may have begun before.
 * rule: drain-before-admit
 */
function nextGap(
  gap: Gap,
  afterGap: boolean,
  reply: { readonly storeNow: number; readonly drainedAt: number | undefined },
): Gap {
  const asked: Gap = gap.kind === 'open' && afterGap ? { kind: 'draining', since: reply.storeNow } : gap;
  if (asked.kind !== 'draining') return asked;
  return reply.drainedAt !== undefined && reply.drainedAt > asked.since ? { kind: 'closed' } : asked;
}

/** No mark of the latch: the lease is not renewed and runs out by itself, one lease after the last mark. The other refusals end it now. */
function refused(state: LeaseState, refusal: Refusal): LeaseState {
  if (refusal === 'no-beat') return { ...state, refusal };
  return { ...state, refusal, lease: undefined, gap: { kind: 'open' } };
}

function lapse(state: LeaseState, now: Instant): LeaseState {
  if (state.lease === undefined || holds(state, now)) return state;
  return { ...state, lease: undefined, gap: { kind: 'open' } };
}

/** rule: lease-void-on-clock-jump */
function holds(state: LeaseState, now: Instant): boolean {
  return state.lease !== undefined && now.mono < state.lease.until && isSteady(state.lease.sent, now);
}

function isSteady(from: Instant, to: Instant): boolean {
  return Math.abs(to.wall - from.wall - (to.mono - from.mono)) <= clockToleranceMs;
}
