import { describe, expect, it } from 'vitest';
import { leaseMs } from '../../../src/contract/numbers.ts';
import {
  advance,
  firstLease,
  type Instant,
  inGap,
  type LeaseReply,
  type LeaseState,
  standing,
} from '../../../src/gateway/fence/lease.ts';

const at = (mono: number, wall = mono): Instant => ({ mono, wall });

interface Renewal {
  readonly sent: number;
  readonly received?: number;
  readonly afterGap?: boolean;
  readonly epoch?: number;
  readonly storeId?: string;
  readonly drainedAt?: number;
  readonly stops?: readonly string[];
  readonly markAgeMs?: number;
  readonly orders?: Pick<Extract<LeaseReply, { granted: true }>, 'newestOrder' | 'seenOrder'>;
}

/** A reply of a store whose clock happens to agree with ours. */
function renew(state: LeaseState, renewal: Renewal): LeaseState {
  const {
    sent,
    received = sent + 1,
    epoch = 0,
    storeId = 'store',
    drainedAt,
    stops = [],
    markAgeMs = 0,
    orders,
  } = renewal;
  const reply: LeaseReply = {
    granted: true,
    epoch,
    storeId,
    storeNow: sent,
    drainedAt,
    markAgeMs,
    stops: stops.map((scopeKey) => ({ stopId: scopeKey, scopeKey, epoch, inForce: true, agents: [] })),
    ...orders,
  };
  const afterGap = renewal.afterGap ?? inGap(state, at(sent));
  return advance(state, { kind: 'reply', sent: at(sent), received: at(received), afterGap, asked: state.seen, reply });
}

const refuse = (state: LeaseState, sent: number, refusal: 'no-beat' | 'retired'): LeaseState =>
  advance(state, {
    kind: 'reply',
    sent: at(sent),
    received: at(sent + 1),
    afterGap: false,
    reply: { granted: false, refusal },
  });

/** Renewed at 0 after the gap every gateway starts in, drained, and live from 1,001 on. */
const live = (): LeaseState => renew(renew(firstLease('store'), { sent: 0 }), { sent: 1_000, drainedAt: 500 });
const isLive = (state: LeaseState, now: Instant): boolean => standing(state, now).live;
const why = (state: LeaseState, now: Instant): string => {
  const one = standing(state, now);
  return one.live ? 'live' : one.why;
};

describe('the lease of a gateway', () => {
  it('is counted from the sending of its renewal, not from the reply', () => {
    const state = renew(live(), { sent: 2_000, received: 3_900, drainedAt: 500 });
    expect(isLive(state, at(2_000 + leaseMs - 1))).toBe(true);
    expect(isLive(state, at(2_000 + leaseMs))).toBe(false);
  });

  it('ends one lease after the mark of the stop process that it stands on, however young its renewal is', () => {
    const state = renew(live(), { sent: 2_000, drainedAt: 500, markAgeMs: 900 });
    expect(isLive(state, at(2_000 + leaseMs - 900 - 1))).toBe(true);
    expect(isLive(state, at(2_000 + leaseMs - 900))).toBe(false);
    // Renewals on the same mark add nothing to it.
    const again = renew(state, { sent: 3_000, drainedAt: 500, markAgeMs: 1_900 });
    expect(isLive(again, at(2_000 + leaseMs - 900))).toBe(false);
  });

  it('is not cut short by a renewal that stands on an older mark', () => {
    const state = renew(live(), { sent: 2_000, drainedAt: 500 });
    expect(isLive(renew(state, { sent: 2_100, drainedAt: 500, markAgeMs: 2_900 }), at(2_000 + leaseMs - 1))).toBe(true);
  });

  it('is never longer than from its sending, also by a store that takes a mark for one of the future', () => {
    expect(isLive(renew(live(), { sent: 2_000, drainedAt: 500, markAgeMs: -500 }), at(2_000 + leaseMs))).toBe(false);
  });

  it('is none if the reply took as long as a lease lasts', () => {
    const state = renew(live(), { sent: 2_000, received: 2_000 + leaseMs, drainedAt: 500 });
    expect(why(state, at(2_000 + leaseMs))).toBe('no-lease');
  });

  it('ends when the wall clock and the monotonic clock part by more than a quarter of a second, in either direction', () => {
    const state = live();
    expect(isLive(state, at(1_500, 1_750))).toBe(true);
    expect(isLive(state, at(1_500, 1_751))).toBe(false);
    expect(isLive(state, at(1_500, 1_249))).toBe(false);
  });

  it('is not given by a reply that was under way while a clock jumped', () => {
    const reply: LeaseReply = {
      granted: true,
      epoch: 0,
      storeId: 'store',
      storeNow: 2_000,
      drainedAt: 500,
      stops: [],
      markAgeMs: 0,
    };
    const state = advance(live(), {
      kind: 'reply',
      sent: at(2_000),
      received: at(2_100, 62_100),
      afterGap: false,
      reply,
    });
    expect(isLive(state, at(2_101, 62_101))).toBe(false);
    expect(inGap(state, at(2_101, 62_101))).toBe(true);
  });

  it('stays lost after a clock jump was noticed, also when the clock jumps back', () => {
    const state = advance(live(), { kind: 'time', now: at(1_500, 9_999) });
    expect(isLive(state, at(1_501))).toBe(false);
  });

  it('runs out by itself while the latch is not exercised, and is not cut short', () => {
    const state = refuse(live(), 2_000, 'no-beat');
    expect(isLive(state, at(3_999))).toBe(true);
    expect(why(state, at(4_000))).toBe('no-beat');
  });

  it('ends at once for a gateway that was retired', () => {
    expect(why(refuse(live(), 2_000, 'retired'), at(2_002))).toBe('retired');
  });
});

describe('replies out of order', () => {
  it('an older reply with an older view is dropped, also as a renewal', () => {
    const newer = renew(live(), { sent: 2_500, epoch: 2, stops: ['agent:a'], drainedAt: 500 });
    const late = renew(newer, { sent: 2_000, received: 2_600, epoch: 1, drainedAt: 500 });
    expect(late).toBe(newer);
  });

  it('of two replies with the same epoch the one sent later counts', () => {
    const newer = renew(live(), { sent: 2_500, epoch: 2, stops: ['agent:a'], drainedAt: 500 });
    const late = renew(newer, { sent: 2_400, received: 2_600, epoch: 2, drainedAt: 500 });
    expect(late).toBe(newer);
  });

  it('an older request that read the stops later brings its view, and shortens no lease', () => {
    const first = renew(live(), { sent: 2_500, epoch: 1, drainedAt: 500 });
    const late = renew(first, { sent: 2_000, received: 2_600, epoch: 2, stops: ['fleet'], drainedAt: 500 });
    expect(late.view?.epoch).toBe(2);
    expect(isLive(late, at(5_499))).toBe(true);
  });
});

describe('a store that has gone back', () => {
  it('is refused when its epoch is lower than one that was seen before it was asked', () => {
    const seen = renew(live(), { sent: 2_000, epoch: 7, drainedAt: 500 });
    const state = renew(seen, { sent: 3_000, epoch: 6, drainedAt: 500 });
    expect(why(state, at(3_002))).toBe('store-restored');
  });

  it('is refused where another order took the epoch that was seen, however high it is by now', () => {
    const seen = renew(live(), { sent: 2_000, drainedAt: 500, epoch: 7, orders: { newestOrder: 'stop-a' } });
    const again = { sent: 2_500, drainedAt: 500, epoch: 7 };
    expect(isLive(renew(seen, { ...again, orders: { newestOrder: 'stop-a', seenOrder: 'stop-a' } }), at(2_600))).toBe(
      true,
    );
    const later = { ...again, epoch: 8 };
    expect(isLive(renew(seen, { ...later, orders: { newestOrder: 'stop-b', seenOrder: 'stop-a' } }), at(2_600))).toBe(
      true,
    );
    for (const seenOrder of ['stop-b', 'reset of stop-a', undefined])
      for (const renewal of [again, later])
        expect(why(renew(seen, { ...renewal, orders: { newestOrder: 'stop-b', seenOrder } }), at(2_600))).toBe(
          'store-restored',
        );
  });

  it('is refused when it is another store', () => {
    expect(why(renew(live(), { sent: 2_000, storeId: 'other', drainedAt: 500 }), at(2_002))).toBe('store-restored');
  });

  it('is taken again, through a gap, once it knows what was seen', () => {
    const gone = renew(renew(live(), { sent: 2_000, epoch: 7, drainedAt: 500 }), {
      sent: 3_000,
      epoch: 6,
      drainedAt: 500,
    });
    const back = renew(gone, { sent: 4_000, epoch: 7, drainedAt: 500 });
    expect(why(back, at(4_002))).toBe('draining');
    expect(isLive(renew(back, { sent: 5_000, epoch: 7, drainedAt: 4_500 }), at(5_002))).toBe(true);
  });
});

describe('a gap', () => {
  it('is what every gateway starts in: leased, and admitting nothing until the intake was drained', () => {
    const started = renew(firstLease('store'), { sent: 0 });
    expect(why(started, at(2))).toBe('draining');
    expect(inGap(started, at(2))).toBe(true);
  });

  it('is not closed by a drain that began before its first renewal reached the store', () => {
    const started = renew(firstLease('store'), { sent: 1_000, drainedAt: 999 });
    expect(why(renew(started, { sent: 2_000, drainedAt: 1_000 }), at(2_002))).toBe('draining');
    expect(isLive(renew(started, { sent: 2_000, drainedAt: 1_000.001 }), at(2_002))).toBe(true);
  });

  it('is closed by one drain for good, and no further drain is asked for', () => {
    const state = renew(live(), { sent: 2_000, drainedAt: 500 });
    expect(inGap(state, at(2_002))).toBe(false);
    expect(isLive(state, at(2_002))).toBe(true);
  });

  it('opens when a reply arrives after the lease has ended, and needs a drain that began after it', () => {
    const back = renew(live(), { sent: 3_990, received: 4_100, afterGap: false, drainedAt: 500 });
    expect(why(back, at(4_101))).toBe('draining');
    // That renewal did not say that it ends a gap: it was sent before anybody knew of one.
    const asked = renew(back, { sent: 5_000, drainedAt: 4_500 });
    expect(why(asked, at(5_002))).toBe('draining');
    expect(isLive(renew(asked, { sent: 6_000, drainedAt: 5_500 }), at(6_002))).toBe(true);
  });

  it('opens anew when the lease is lost while one is being drained', () => {
    const draining = renew(firstLease('store'), { sent: 0 });
    const lost = advance(draining, { kind: 'time', now: at(leaseMs + 1) });
    const again = renew(lost, { sent: 5_000, drainedAt: 4_000 });
    expect(why(again, at(5_002))).toBe('draining');
    expect(isLive(renew(again, { sent: 6_000, drainedAt: 5_001 }), at(6_002))).toBe(true);
  });
});
