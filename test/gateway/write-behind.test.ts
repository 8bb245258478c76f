import { describe, expect, it } from 'vitest';
import { WriteBehind } from '../../src/gateway/call/write-behind.ts';

function writer(gatherMs: number, fails: readonly boolean[] = []) {
  let waiting: string[] = [];
  const batches: (readonly string[])[] = [];
  const failures = [...fails];
  const behind = new WriteBehind({
    gatherMs,
    isWaiting: () => waiting.length > 0,
    writeBatch: async () => {
      if (failures.shift() === true) throw new Error('the store is away');
      batches.push(waiting);
      waiting = [];
    },
    onFailed: () => undefined,
  });
  const add = (what: string): void => {
    waiting.push(what);
    behind.wake();
  };
  return { behind, batches, add, left: () => waiting };
}

describe('writing behind the answers', () => {
  it('takes what came in meanwhile into one batch, and what comes later into the next', async () => {
    const { behind, batches, add } = writer(1);
    for (const what of ['a', 'b', 'c']) add(what);
    await expect.poll(() => batches).toEqual([['a', 'b', 'c']]);
    add('d');
    await expect.poll(() => batches).toEqual([['a', 'b', 'c'], ['d']]);
    await behind.drain(0);
  });

  it('does not wait for more once it is to be drained', async () => {
    const { behind, batches, add } = writer(3_600_000);
    add('a');
    await behind.drain(60_000);
    expect(batches).toEqual([['a']]);
  });

  it('goes on after a failure with all that it failed to write', async () => {
    const { behind, batches, add } = writer(1, [true]);
    add('a');
    await behind.drain(60_000);
    expect(batches).toEqual([['a']]);
  });

  it('gives up waiting, and not the writing, where a drain takes too long', async () => {
    const { behind, left, add } = writer(1, Array(1_000).fill(true));
    add('a');
    await behind.drain(50);
    expect(left()).toEqual(['a']);
  });
});
