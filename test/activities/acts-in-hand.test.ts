import { expect, it } from 'vitest';
import { createActsInHand } from '../../src/activities/acts-in-hand.ts';

const never = new AbortController().signal;

it('whoever asks for what is in hand joins it, and afterwards begins it anew', async () => {
  const acts = createActsInHand<number>();
  let begun = 0;
  const act = async (): Promise<number> => (begun += 1);
  expect(await Promise.all([acts.join('a', never, act), acts.join('a', never, act)])).toEqual([1, 1]);
  expect(await acts.join('a', never, act)).toBe(2);
});

it('is told to end by whoever has joined it, when the one that began it waits for it no more', async () => {
  const acts = createActsInHand<string>();
  const joined = new AbortController();
  const ended: unknown[] = [];
  const act = (ending: AbortSignal): Promise<string> =>
    new Promise((resolve) => ending.addEventListener('abort', () => resolve(String(ending.reason)), { once: true }));
  for (const signal of [never, joined.signal]) void acts.join('a', signal, act).then((reason) => ended.push(reason));
  joined.abort('the worker ends');
  await new Promise(setImmediate);
  expect(ended).toEqual(['the worker ends', 'the worker ends']);
});
