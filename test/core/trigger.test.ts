import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScopeKey } from '../../src/core/scope-key.ts';
import { aim, firstAim, type Known, type TriggerRule, triggerOf } from '../../src/core/trigger.ts';

const known: Known = {
  environment: 'test',
  agents: ['billing-bot'],
  connectors: ['crm'],
  models: ['large'],
  toolServers: ['billing'],
};
const task = 'task_test_00000000000000000000000001';
const rule = (changes: Partial<TriggerRule> = {}): TriggerRule => ({
  match: {},
  scope: 'agent:{agent}',
  action: 'stop',
  ...changes,
});

describe('what an alert stops', () => {
  it.each([
    ['agent:{agent}', { agent: 'billing-bot' }, 'agent:billing-bot'],
    ['task:{task}', { task }, `task:${task}`],
    ['tool:{tool}', { tool: 'billing/refund' }, 'tool:billing/refund'],
    ['connector:{system}', { system: 'crm' }, 'connector:crm'],
    ['model:{model}', { model: 'large' }, 'model:large'],
    ['fleet', {}, 'fleet'],
    ['label:team=finance', {}, 'label:team=finance'],
  ])('%s with %o is %s', (scope, fields, scopeKey) => {
    expect(aim(rule({ scope }), fields, known)).toEqual({ kind: 'scope', scopeKey });
  });

  it.each([
    ['no such field', {}],
    ['an empty id', { agent: '' }],
    ['an agent that nobody registered', { agent: 'other-bot' }],
    ['a key of another kind', { agent: 'fleet' }],
    ['an id with a further colon', { agent: 'agent:billing-bot' }],
    ['an id with a space', { agent: 'billing-bot fleet' }],
    ['an id with a line break', { agent: 'billing-bot\n' }],
    ['an id in another script', { agent: 'billing-bоt' }],
    ['the name of a part of every object', { agent: 'constructor' }],
  ])('%s stops nothing, and says so', (_what, fields) => {
    expect(aim(rule(), fields, known).kind).toBe('refused');
  });

  it('a task of another environment is nobody’s', () => {
    expect(aim(rule({ scope: 'task:{task}' }), { task: task.replace('_test_', '_prod_') }, known).kind).toBe('refused');
  });

  it('whatever an alert says, it aims at a scope of the kind in the rule, or at none', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('agent', 'task', 'tool', 'connector', 'model'), (text, kind) => {
        const result = aim(rule({ scope: `${kind}:{id}` }), { id: text }, known);
        if (result.kind !== 'scope') return true;
        return parseScopeKey(result.scopeKey)?.kind === kind && result.scopeKey === `${kind}:${text}`;
      }),
    );
  });

  it('the first rule that is about it counts; what is missing in the alert is not so', () => {
    const rules = [
      rule({ match: { severity: 'critical' }, scope: 'fleet' }),
      rule({ match: { severity: 'warning' }, action: 'hold' }),
    ];
    expect(firstAim(rules, { severity: 'critical' }, known)?.aim).toEqual({ kind: 'scope', scopeKey: 'fleet' });
    expect(firstAim(rules, { severity: 'warning', agent: 'billing-bot' }, known)?.rule.action).toBe('hold');
    expect(firstAim(rules, { agent: 'billing-bot' }, known)).toBeUndefined();
    expect(firstAim([rule({ match: { toString: 'x' } })], { agent: 'billing-bot' }, known)).toBeUndefined();
  });

  it('who is called like a trigger is none: only the way of the order says so', () => {
    expect(triggerOf({ actor: 'trigger:spend', method: 'api' })).toBeUndefined();
    expect(triggerOf({ actor: 'trigger:spend', method: 'trigger' })).toBe('spend');
  });
});
