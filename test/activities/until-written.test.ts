import { expect, it } from 'vitest';
import { untilWritten } from '../../src/activities/until-written.ts';
import { EstopError } from '../../src/core/errors.ts';
import { openStore } from '../../src/store/pool.ts';

/** Nothing listens there: every statement finds the store away. */
const away = () => openStore({ url: 'postgres://nobody@127.0.0.1:1/none', applicationName: 'test', max: 1 });
const never = new AbortController().signal;
const unavailable = new EstopError('store-unavailable');

it('what was done is written as soon as the store is back', async () => {
  const store = away();
  let tries = 0;
  await untilWritten(store, never, async () => {
    tries += 1;
    if (tries < 3) throw unavailable;
  });
  expect(tries).toBe(3);
  await store.end();
});

it('a process that has let go of its store does not go on trying', async () => {
  const store = away();
  let tries = 0;
  const writing = untilWritten(store, never, async () => {
    tries += 1;
    if (tries === 1) await store.end();
    if (tries > 3) throw new Error('it went on');
    throw unavailable;
  });
  await expect(writing).rejects.toBe(unavailable);
  expect(tries).toBe(1);
});

it('a worker that ends does not go on trying', async () => {
  const store = away();
  const shutdown = new AbortController();
  let tries = 0;
  const writing = untilWritten(store, shutdown.signal, async () => {
    tries += 1;
    shutdown.abort();
    if (tries > 3) throw new Error('it went on');
    throw unavailable;
  });
  await expect(writing).rejects.toBe(unavailable);
  expect(tries).toBe(1);
  await store.end();
});

it('what the store refuses is not tried again', async () => {
  const store = away();
  const refusal = new EstopError('internal');
  let tries = 0;
  const writing = untilWritten(store, never, async () => {
    tries += 1;
    throw refusal;
  });
  await expect(writing).rejects.toBe(refusal);
  expect(tries).toBe(1);
  await store.end();
});
