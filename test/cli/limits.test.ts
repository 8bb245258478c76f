import { beforeAll, describe, expect, it } from 'vitest';
import { tripBreaker } from '../../src/store/breakers.ts';
import { agentSpec, putAgents } from '../store/ledger.ts';
import { type CliRig, makeCliRig } from './rig.ts';

describe('estop budget and breaker', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
    await putAgents(rig.ledger, [
      agentSpec('billing-bot', { budgets: { task: { calls: 9 }, day: { microcents: 2_500_000 } } }),
    ]);
  });

  it('shows budgets with their money in cents, and says where there is none', async () => {
    const shown = await rig.run(['budget', 'show', 'billing-bot']);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^day +cents +0 +0 +2\.5$/m);
    expect(shown.stdout).toMatch(/^task +calls +0 +0 +9$/m);
    const none = await rig.run(['budget', 'show', 'mail-bot']);
    expect(none).toMatchObject({ code: 0 });
    expect(none.stderr + none.stdout).toContain('no budget');
    expect((await rig.run(['budget', 'show', 'nobody'])).code).not.toBe(0);
  });

  it('lists what tripped by its numbers, and resets it with a reason', async () => {
    const rule = { breaker: 'spend-slope', action: 'hold', most: 3_000_000, atLeast: 0, withinMs: 60_000 } as const;
    await tripBreaker(rig.ledger.as('estop_revoker'), { agentId: 'billing-bot', rule, measured: 4_200_000, sample: 1 });
    const listed = await rig.run(['breaker', 'ls']);
    expect(listed.stdout).toMatch(/billing-bot +spend-slope +hold +4 cents, more than 3 in 60 s/);
    expect((await rig.run(['breaker', 'reset', 'billing-bot', 'spend-slope'])).code).toBe(2);
    expect((await rig.run(['breaker', 'reset', 'billing-bot', 'bad-mood', '--reason', 'x'])).code).toBe(2);
    const reset = await rig.run(['breaker', 'reset', 'billing-bot', 'spend-slope', '--reason', 'the price was wrong']);
    expect(reset).toMatchObject({ code: 0 });
    expect((await rig.run(['breaker', 'ls', '--agent', 'billing-bot'])).stdout).not.toContain('spend-slope');
    expect((await rig.run(['breaker', 'ls', '--all'])).stdout).toMatch(/spend-slope +hold, over/);
  });
});
