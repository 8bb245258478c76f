import { describe, expect, it } from 'vitest';
import type { TokenVerdict } from '../../src/contract/identity.ts';
import { TokenReader } from '../../src/gateway/token-reader.ts';

/** The verifier itself is tried in edge.test.ts; here it only counts how often it is asked. */
function reader(expiresAt: number) {
  const state = { now: 0, ahead: 0, asked: 0, good: true };
  const claims = { tokenId: 't', taskId: 'task', agentId: 'a', agents: ['a'], keys: ['fleet'], epoch: 0, expiresAt };
  const verify = (): Promise<TokenVerdict> => {
    state.asked += 1;
    return Promise.resolve(state.good ? { ok: true, claims } : { ok: false, code: 'unauthenticated' });
  };
  return { state, read: new TokenReader({ verify }, () => ({ mono: state.now, wall: state.now + state.ahead })) };
}

describe('a token that is shown again and again', () => {
  it('is verified once a minute', async () => {
    const { state, read } = reader(900_000);
    for (state.now = 0; state.now <= 60_000; state.now += 20_000)
      expect((await read.read('Bearer a.b.c')).ok).toBe(true);
    expect(state.asked).toBe(2);
  });

  it('is not believed for longer than it lives', async () => {
    const { state, read } = reader(10_000);
    expect((await read.read('Bearer a.b.c')).ok).toBe(true);
    state.now = 10_000;
    state.good = false;
    expect((await read.read('Bearer a.b.c')).ok).toBe(false);
  });

  it.each([
    ['while it was believed', 9_000, 30_000],
    ['when it was seen to be over', 15_001, -30_000],
  ])('is over once it has lived its time, though the clock was set back %s', async (_when, now, ahead) => {
    const { state, read } = reader(10_000);
    expect((await read.read('Bearer a.b.c')).ok).toBe(true);
    state.now = now;
    state.ahead = Math.max(0, ahead);
    const seen = (await read.read('Bearer a.b.c')).ok;
    expect(seen).toBe(false);
    // The verifier goes by that clock alone.
    state.ahead = -600_000;
    state.now += 10;
    expect((await read.read('Bearer a.b.c')).ok).toBe(false);
    state.now = 61_000;
    expect((await read.read('Bearer a.b.c')).ok).toBe(false);
  });

  it('lives no longer by being verified again under a clock that was set back', async () => {
    const { state, read } = reader(120_000);
    expect((await read.read('Bearer a.b.c')).ok).toBe(true);
    state.now = 70_000;
    state.ahead = -60_000;
    expect((await read.read('Bearer a.b.c')).ok).toBe(true);
    state.now = 125_000;
    expect((await read.read('Bearer a.b.c')).ok).toBe(false);
  });

  it('is remembered only if it was good, and only in its own spelling', async () => {
    const { state, read } = reader(900_000);
    state.good = false;
    await read.read('Bearer a.b.c');
    await read.read('Bearer a.b.c');
    expect(state.asked).toBe(2);
    state.good = true;
    await read.read('Bearer a.b.c');
    await read.read('Bearer a.b.C');
    expect(state.asked).toBe(4);
  });

  it.each(['', 'Bearer', 'Basic a.b.c', 'Bearer a.b', 'Bearer a.b.c d', 'Bearer a.b.c.d', 'Bearer a.b.c\n'])(
    'is refused unread if the header is %j',
    async (header) => {
      const { state, read } = reader(900_000);
      expect(await read.read(header)).toEqual({ ok: false, code: 'unauthenticated' });
      expect(state.asked).toBe(0);
    },
  );
});

describe('a clock by which good tokens are refused', () => {
  const minute = 60_000;
  const shown = (times: { readonly issuedAt: number; readonly expiresAt: number }, aheadMs: number) => {
    const state = { aheadMs, good: false, laterMs: 0 };
    const claims = { tokenId: 't', taskId: 'task', agentId: 'a', agents: ['a'], keys: ['fleet'], epoch: 0 };
    const verify = (): Promise<TokenVerdict> =>
      Promise.resolve(
        state.good
          ? { ok: true, claims: { ...claims, expiresAt: times.expiresAt } }
          : { ok: false, code: 'unauthenticated', times },
      );
    const clock = () => ({ mono: 0, wall: 100 * minute + state.aheadMs + state.laterMs });
    return { state, read: new TokenReader({ verify }, clock, () => state.aheadMs) };
  };
  const current = { issuedAt: 100 * minute, expiresAt: 115 * minute };

  it.each([-10 * minute, 20 * minute])('is told by the first of them, %i ms off', async (aheadMs) => {
    const { state, read } = shown(current, aheadMs);
    expect(read.refusesByClock).toBe(false);
    await read.read('Bearer a.b.c');
    expect(read.refusesByClock).toBe(true);
    state.aheadMs = 1_000;
    expect(read.refusesByClock).toBe(false);
  });

  it('is not told by one that is over, or not yet, by the clock of the store as well', async () => {
    for (const by of [-30 * minute, 30 * minute]) {
      const { read } = shown({ issuedAt: current.issuedAt + by, expiresAt: current.expiresAt + by }, -10 * minute);
      await read.read('Bearer a.b.c');
      expect(read.refusesByClock).toBe(false);
    }
  });

  it('is none where a token was taken since', async () => {
    const { state, read } = shown(current, -10 * minute);
    await read.read('Bearer a.b.c');
    expect(read.refusesByClock).toBe(true);
    state.good = true;
    await read.read('Bearer d.e.f');
    expect(read.refusesByClock).toBe(false);
  });

  it.each([
    ['has lived its time', { issuedAt: 86 * minute, expiresAt: 101 * minute }, 10_000 + minute, minute],
    ['is none of a time to come any more', current, -10_000, 6_000],
  ])('is told for no longer than until the one that was refused %s', async (_when, times, aheadMs, laterMs) => {
    const { state, read } = shown(times, aheadMs);
    await read.read('Bearer a.b.c');
    expect(read.refusesByClock).toBe(true);
    state.laterMs = laterMs;
    expect(read.refusesByClock).toBe(false);
  });
});
