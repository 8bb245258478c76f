import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createCallers } from '../../../src/control/sign-in/callers.ts';
import { makeControl } from '../rig.ts';
import { peopleRig } from './people.ts';

it('whoever was heard of is nobody to a stream within five seconds of a store that is gone, and may be asked after for a stop', async () => {
  const people = peopleRig(await makeControl(), {
    roles: [{ role: 'viewer', people: ['vera@example.org'], groups: [] }],
  });
  const { store, authenticator, config, log } = people.rig.deps;
  let isAway = false;
  const query = (...asked: unknown[]): unknown =>
    isAway ? Promise.reject(new Error('gone')) : store.query(...(asked as [never])); // handed on as it came
  const shaky = new Proxy(store, {
    get: (pool, key) => (key === 'query' ? query : Reflect.get(pool, key, pool)),
  });
  const callers = createCallers({ store: shaky, authenticator, config, log });
  const [, secret = ''] = (await people.signIn('vera@example.org')).split('=');
  const vera = { kind: 'cookie', secret } as const;
  expect((await callers.find(vera))?.actor).toBe('vera@example.org');
  expect(callers.remembered(vera)?.actor).toBe('vera@example.org');
  isAway = true;
  await sleep(5_000);
  expect(callers.remembered(vera)).toBeUndefined();
  expect(callers.lastKnown(vera)?.actor).toBe('vera@example.org');
  isAway = false;
  await expect.poll(() => callers.remembered(vera)?.actor, { timeout: 10_000 }).toBe('vera@example.org');
});
