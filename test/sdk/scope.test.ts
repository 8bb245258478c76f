import { expect, it } from 'vitest';
import { type StopTarget, scopeKeyOf } from '../../src/sdk/scope.ts';
import { codeOf } from '../connectors/bench-of.ts';

/** What a program without types may hand over. */
const loose = (target: unknown): StopTarget => target as StopTarget;

it('the fleet is what says so, and nothing that only has a word for it', () => {
  expect(scopeKeyOf({ fleet: true })).toBe('fleet');
  expect(scopeKeyOf(loose({ fleet: false, agent: 'billing-bot' }))).toBe('agent:billing-bot');
  expect(scopeKeyOf(loose({ fleet: undefined, task: undefined, agent: 'billing-bot' }))).toBe('agent:billing-bot');
});

it.each([['agent:billing-bot'], [undefined], [null], [{}], [{ fleet: false }], [{ fleet: 'no' }]])(
  'what names nothing is refused with what would be right: %j',
  async (target) => {
    const refused = (async () => scopeKeyOf(loose(target)))();
    expect(await codeOf(refused)).toBe('invalid-input');
    await expect(refused).rejects.toThrow(/looks like|The fleet is true/);
  },
);
