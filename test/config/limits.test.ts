import { describe, expect, it } from 'vitest';
import { breakerKinds } from '../../src/core/breaker.ts';
import { EstopYaml, resolveConfig } from '../../src/runtime/config/schema.ts';

const agentWith = (block: object) => {
  const agent = { owner: 'olga', stopHolder: 'sam', model: 'small', ...block };
  const models = { small: { provider: 'openai-compatible', model: 'x' } };
  return EstopYaml.safeParse({ agents: { bot: agent }, models });
};
const parsed = (block: object) => {
  const result = agentWith(block);
  if (!result.success) throw new Error(result.error.message);
  const [agent] = resolveConfig(result.data).config.agents;
  if (agent === undefined) throw new Error('there is one agent');
  return agent;
};

describe('budgets and breakers in estop.yaml', () => {
  it('stop nobody by surprise: what is not configured has no budget, and breakers that only warn', () => {
    const { budgets, breakers = [] } = parsed({});
    expect(budgets).toBeUndefined();
    expect(new Set(breakers.map(({ action }) => action))).toEqual(new Set(['warn']));
    expect(breakers.map(({ breaker }) => breaker)).not.toContain('behaviour-drift');
    expect(breakers.map(({ breaker }) => breaker)).not.toContain('raised-risk');
  });

  it('count money in millionths of a cent, and keep the default of what is not named', () => {
    const { budgets, breakers = [] } = parsed({
      budgets: { task: { calls: 100, cents: 250 }, day: { tokens: 1_000 } },
      breakers: {
        'spend-slope': { most: 300, action: 'hold' },
        'behaviour-drift': { action: 'stop' },
        'call-rate': { action: 'off' },
        'repetition': { within: '1h', most: 5 },
      },
    });
    expect(budgets).toEqual({ task: { calls: 100, microcents: 250_000_000 }, day: { tokens: 1_000 } });
    const of = (kind: string) => breakers.find(({ breaker }) => breaker === kind);
    expect(of('spend-slope')).toEqual({
      breaker: 'spend-slope',
      action: 'hold',
      most: 300_000_000,
      atLeast: 0,
      withinMs: 600_000,
    });
    expect(of('behaviour-drift')).toEqual({
      breaker: 'behaviour-drift',
      action: 'stop',
      most: 60,
      atLeast: 50,
      withinMs: 3_600_000,
    });
    expect(of('call-rate')).toBeUndefined();
    expect(of('repetition')).toMatchObject({ most: 5, withinMs: 3_600_000, action: 'warn' });
  });

  it.each([
    ['a negative amount', { budgets: { task: { calls: -1 } } }],
    ['a part of a cent', { budgets: { day: { cents: 0.5 } } }],
    ['a scope that is none', { budgets: { week: { calls: 1 } } }],
    ['a breaker that is none', { breakers: { 'bad-mood': { action: 'stop' } } }],
    ['a window longer than what is remembered', { breakers: { 'call-rate': { within: '2h' } } }],
    ['an action that is none', { breakers: { 'call-rate': { action: 'page' } } }],
  ])('refuse %s', (_what, block) => {
    expect(agentWith(block).success).toBe(false);
  });

  it('know every breaker there is', () => {
    for (const kind of breakerKinds) expect(agentWith({ breakers: { [kind]: { action: 'warn' } } }).success).toBe(true);
  });
});
