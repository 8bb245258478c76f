import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { ApprovalStates } from '../../src/gateway/call/approval-state.ts';

const digest = randomBytes(32);
const carried = { taskId: 'task_test_1', digest, approvalId: 'appr_test_1' };
const make = (lifeMs = 60_000, key = randomBytes(32)) => new ApprovalStates(key, lifeMs);

it('a state is good once, for its task and for its bytes', async () => {
  const states = make();
  const state = await states.mint(carried);
  expect(await states.take(state, { ...carried, taskId: 'task_test_2' })).toBe(false);
  expect(await states.take(state, { ...carried, digest: randomBytes(32) })).toBe(false);
  expect(await states.take(state, carried)).toBe(true);
  expect(await states.take(state, carried)).toBe(false);
});

it('a state that was altered, that another key signed, or that is none, is refused', async () => {
  const states = make();
  const state = await states.mint(carried);
  for (let at = 3; at < state.length; at += 7) {
    const other = state[at] === 'A' ? 'B' : 'A';
    expect(await states.take(`${state.slice(0, at)}${other}${state.slice(at + 1)}`, carried)).toBe(false);
  }
  expect(await states.take(await make().mint(carried), carried)).toBe(false);
  for (const nonsense of [undefined, null, 1, {}, '', 'v1.', 'v1.a.b', 'x'.repeat(10_000)])
    expect(await states.take(nonsense, carried)).toBe(false);
  expect(await states.take(state, carried)).toBe(true);
});

it('two gateways with one key know each other’s states; an old one is refused', async () => {
  const key = randomBytes(32);
  expect(await make(60_000, key).take(await make(60_000, key).mint(carried), carried)).toBe(true);
  const past = make(-60_000, key);
  expect(await make(60_000, key).take(await past.mint(carried), carried)).toBe(false);
});
