import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ControlDeps } from '../../src/control/deps.ts';
import { defineEndpoint, nothing, type Reply, type RequestInfo } from '../../src/control/endpoint.ts';
import { createSharedLooks } from '../../src/control/shared-looks.ts';

/** A look that ends when the test says so. */
function looks() {
  const begun: { readonly end: (seen: string) => void; readonly fail: () => void }[] = [];
  const look = () =>
    new Promise<string>((resolve, reject) => {
      begun.push({ end: resolve, fail: () => reject(new Error('away')) });
    });
  return { begun, look };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('looks that many share', () => {
  it('all who ask while a look is under way share the next one, and none of them is told what it saw', async () => {
    const shared = createSharedLooks();
    const { begun, look } = looks();
    const first = shared.share('tasks', look);
    const late = [1, 2, 3].map(() => shared.share('tasks', look));
    expect(begun).toHaveLength(1);
    begun[0]?.end('before they asked');
    expect(await first).toBe('before they asked');
    await settled();
    expect(begun).toHaveLength(2);
    begun[1]?.end('after they asked');
    expect(await Promise.all(late)).toEqual(['after they asked', 'after they asked', 'after they asked']);
    const next = shared.share('tasks', look);
    expect(begun).toHaveLength(3); // nothing is kept
    begun[2]?.end('later');
    expect(await next).toBe('later');
  });

  it('what is not the same is looked at for itself', async () => {
    const shared = createSharedLooks();
    const { begun, look } = looks();
    const both = [shared.share('tasks', look), shared.share('stops', look)];
    begun[0]?.end('tasks');
    begun[1]?.end('stops');
    expect(await Promise.all(both)).toEqual(['tasks', 'stops']);
  });

  it('a look that fails fails those who share it, and nobody after them', async () => {
    const shared = createSharedLooks();
    const { begun, look } = looks();
    const first = shared.share('tasks', look);
    const second = shared.share('tasks', look);
    begun[0]?.fail();
    await expect(first).rejects.toThrow('away');
    await settled();
    begun[1]?.end('here again');
    expect(await second).toBe('here again');
  });

  it('a look that hangs holds up nobody for long', async () => {
    const shared = createSharedLooks();
    const { begun, look } = looks();
    void shared.share('tasks', look);
    const second = shared.share('tasks', look);
    for (let n = 0; begun.length < 2 && n < 1_000; n += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(begun).toHaveLength(2);
    begun[1]?.end('seen');
    expect(await second).toBe('seen');
  });
});

describe('an endpoint whose answer is the same for all', () => {
  it('looks once for all who ask it the same, and writes the answer once', async () => {
    const { begun, look } = looks();
    const endpoint = defineEndpoint({
      method: 'get',
      path: '/v1/tasks',
      id: 'listTasks',
      summary: '',
      permission: 'task:read',
      input: { path: nothing, query: z.strictObject({ agent: z.string() }), body: nothing },
      answers: [],
      problems: [],
      look: async ({ query }) => ({ agent: query.agent, seen: await look() }),
    });
    const deps = {} as ControlDeps; // this endpoint asks nothing of them
    const request = { identity: { actor: 'vera', roles: ['viewer'] } } as unknown as RequestInfo; // nor of who asks
    const ask = (agent: string) =>
      endpoint.run({ path: {}, query: { agent }, body: {} }, request, deps) as Promise<Reply>;
    const answers = [ask('a'), ask('a'), ask('a'), ask('b')];
    await settled();
    expect(begun).toHaveLength(2); // the first for a, and the one for b
    for (const { end } of begun) end('one');
    await settled();
    expect(begun).toHaveLength(3);
    begun[2]?.end('two');
    const replies = await Promise.all(answers);
    expect(replies.map(({ body }) => body)).toEqual([
      { agent: 'a', seen: 'one' },
      { agent: 'a', seen: 'two' },
      { agent: 'a', seen: 'two' },
      { agent: 'b', seen: 'one' },
    ]);
    expect(replies[1]).toBe(replies[2]);
    expect(replies.map(({ text }) => text?.())).toEqual(replies.map(({ body }) => JSON.stringify(body)));
  });
});
