import { describe, expect, it } from 'vitest';
import type { TokenVerdict } from '../../src/contract/identity.ts';
import { TokenReader } from '../../src/gateway/token-reader.ts';

/** The verifier itself is tried in edge.test.ts; here it only counts how often it is asked. */
function reader(expiresAt: number) {
  const state = { now: 0, asked: 0, good: true };
  const claims = { tokenId: 't', taskId: 'task', agentId: 'a', agents: ['a'], keys: ['fleet'], epoch: 0, expiresAt };
  const verify = (): Promise<TokenVerdict> => {
    state.asked += 1;
    return Promise.resolve(state.good ? { ok: true, claims } : { ok: false, code: 'unauthenticated' });
  };
  return { state, read: new TokenReader({ verify }, () => state.now) };
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
