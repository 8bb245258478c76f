import { describe, expect, it } from 'vitest';
import { cuttingPhases } from '../../src/contract/phases.ts';
import {
  alsoHear,
  choosePlaybook,
  labelsOfScope,
  mustWait,
  orderTerms,
  type Playbook,
  type StopFacts,
  waitingPhases,
} from '../../src/core/playbook.ts';

const book = (changes: Partial<Playbook> = {}): Playbook => ({
  playbookId: 'finance',
  environments: ['test'],
  match: { scopes: [], labels: {}, triggers: [] },
  category: 0,
  graceMs: 0,
  waits: ['purge-queue'],
  notify: ['pager'],
  ...changes,
});
const facts = (changes: Partial<StopFacts> = {}): StopFacts => ({
  environment: 'test',
  scopeKey: 'agent:billing-bot',
  labels: { team: 'finance' },
  ...changes,
});
const match = (changes: Partial<Playbook['match']>) => book({ match: { ...book().match, ...changes } });
const fits = (playbook: Playbook, stop: StopFacts): boolean => choosePlaybook([playbook], stop) !== undefined;

describe('playbooks', () => {
  it('one that is not approved for this environment is not there', () => {
    expect(fits(book({ environments: ['prod'] }), facts())).toBe(false);
    expect(fits(book(), facts())).toBe(true);
  });

  it('fits by kind of scope, by scope, by the labels of the agent or of the scope, and by trigger: all that it names', () => {
    expect(fits(match({ scopes: ['agent'] }), facts())).toBe(true);
    expect(fits(match({ scopes: ['agent:billing-bot'] }), facts())).toBe(true);
    expect(fits(match({ scopes: ['fleet', 'agent:other'] }), facts())).toBe(false);
    expect(fits(match({ labels: { team: 'finance' } }), facts())).toBe(true);
    expect(fits(match({ labels: { team: 'finance', tier: '1' } }), facts())).toBe(false);
    expect(fits(match({ labels: { team: 'ops' } }), facts({ scopeKey: 'label:team=ops', labels: {} }))).toBe(true);
    expect(fits(match({ triggers: ['spend'] }), facts())).toBe(false);
    expect(fits(match({ triggers: ['spend'] }), facts({ trigger: 'spend' }))).toBe(true);
    expect(fits(match({ labels: { constructor: 'x' } }), facts())).toBe(false);
  });

  it('the first that fits is followed', () => {
    const two = [
      book({ playbookId: 'narrow', match: { ...book().match, scopes: ['task'] } }),
      book({ playbookId: 'wide' }),
    ];
    expect(choosePlaybook(two, facts())?.playbookId).toBe('wide');
  });

  it('nothing that cuts access now can wait, whatever is written down', () => {
    for (const phase of ['fence', 'terminate', 'revoke-credential', 'sweep', 'probe'])
      expect(mustWait([...cuttingPhases, 'probe'], [], phase)).toBe(false);
    for (const phase of waitingPhases) {
      expect(mustWait([phase], [], phase)).toBe(true);
      expect(mustWait([phase], [phase], phase)).toBe(false);
      expect(mustWait([], [], phase)).toBe(false);
    }
  });

  it('the trigger’s own word about grace comes first, then the playbook’s; with neither there is none', () => {
    const gentle = book({ category: 1, graceMs: 10_000 });
    expect(orderTerms({}, undefined)).toEqual({ category: 0, graceMs: 0 });
    expect(orderTerms({}, gentle)).toEqual({ category: 1, graceMs: 10_000 });
    expect(orderTerms({ category: 0 }, gentle)).toEqual({ category: 0, graceMs: 0 });
    expect(orderTerms({ category: 1, graceMs: 2_000 }, gentle)).toEqual({ category: 1, graceMs: 2_000 });
  });

  it('its endpoints hear of the stop and of what a person must do about it, and of nothing else', () => {
    expect(alsoHear(book(), 'stop.latched')).toEqual(['pager']);
    expect(alsoHear(book(), 'obligation.needs-human')).toEqual(['pager']);
    expect(alsoHear(book(), 'approval.asked')).toEqual([]);
    expect(alsoHear(undefined, 'stop.latched')).toEqual([]);
  });

  it('the labels of a task are those of the agent whose it is', () => {
    const agents = [{ agentId: 'billing-bot', labels: { team: 'finance' } }];
    expect(labelsOfScope('agent:billing-bot', agents)).toEqual({ team: 'finance' });
    expect(labelsOfScope('task:task_test_00000000000000000000000001', agents, 'billing-bot')).toEqual({
      team: 'finance',
    });
    expect(labelsOfScope('task:task_test_00000000000000000000000001', agents)).toEqual({});
    expect(labelsOfScope('fleet', agents)).toEqual({});
  });
});
