import { expect, it } from 'vitest';
import { didYouMean, nearest } from '../../src/core/nearest.ts';

it.each([
  ['agnets', 'agents'],
  ['agent', 'agents'],
  ['max-steps', 'maxSteps'],
  ['MAXSTEPS', 'maxSteps'],
  ['maxStepz', 'maxSteps'],
  ['ulr', 'url'],
])('%s was to be %s', (typed, meant) => {
  expect(nearest(typed, ['environment', 'agents', 'maxSteps', 'url'])).toBe(meant);
});

it.each([
  ['what is nothing like any of them', 'wallet'],
  ['a short word, of which half is other', 'uri2'],
  ['what is there', 'url'],
  ['nothing', ''],
  ['what is as near to two', 'agentz'],
  ['what goes on for ever', 'agents'.repeat(100_000)],
])('nothing is proposed for %s', (_what, typed) => {
  expect(nearest(typed, ['agents', 'agentx', 'maxSteps', 'url'])).toBeUndefined();
  expect(didYouMean(typed, ['agents', 'agentx', 'maxSteps', 'url'])).toBe('');
});
