import { describe, expect, it } from 'vitest';
import { type EscalationRules, escalate, hears, quietSentence } from '../../src/core/notice.ts';

const rules: EscalationRules = {
  events: ['stop.latched'],
  steps: [
    { to: 'owner', afterMs: 0 },
    { to: 'stop-holder', afterMs: 300_000 },
    { to: 'on-call', afterMs: 900_000 },
  ],
  contacts: { olga: 'olga-phone', sam: 'sam-phone' },
  onCall: ['duty'],
};
const agent = { owner: 'olga', stopHolder: 'sam' };
const times = (changes: Partial<EscalationRules>, agents = [agent]) =>
  escalate({ ...rules, ...changes }, 'stop.latched', agents).map(({ rung, endpoint, afterMs }) => [
    rung,
    endpoint,
    afterMs,
  ]);

describe('who is told', () => {
  it('an endpoint hears of what it names, and of all of a kind', () => {
    expect(hears(['stop.*'], 'stop.proved')).toBe(true);
    expect(hears(['stop.proved'], 'stop.proved')).toBe(true);
    expect(hears(['stop.proved', 'approval.*'], 'stop.latched')).toBe(false);
    expect(hears(['stop.*'], 'approval.asked')).toBe(false);
    expect(hears([], 'stop.latched')).toBe(false);
  });

  it('owner, stop-holder and on-call are called in this order at their times', () => {
    expect(times({})).toEqual([
      ['owner', 'olga-phone', 0],
      ['stop-holder', 'sam-phone', 300_000],
      ['on-call', 'duty', 900_000],
    ]);
  });

  it('nobody is called for an event that needs no acknowledgement', () => {
    expect(escalate(rules, 'stop.proved', [agent])).toEqual([]);
  });

  it('the owner hears of a drill that failed, and nobody after the owner', () => {
    expect(escalate(rules, 'drill.failed', [agent, agent])).toEqual([
      { rung: 'owner', endpoint: 'olga-phone', afterMs: 0 },
    ]);
    expect(escalate({ ...rules, events: ['drill.*'] }, 'drill.failed', [agent])).toHaveLength(3);
  });

  it('whoever cannot be reached passes the time on: the next one is called sooner', () => {
    expect(times({ contacts: { sam: 'sam-phone' } })).toEqual([
      ['stop-holder', 'sam-phone', 0],
      ['on-call', 'duty', 600_000],
    ]);
    expect(times({ contacts: {} })).toEqual([['on-call', 'duty', 0]]);
  });

  it('a stop of the fleet, which is no agent’s, calls on-call at once', () => {
    expect(times({}, [])).toEqual([['on-call', 'duty', 0]]);
  });

  it('one endpoint is called once, though it stands for several people', () => {
    expect(times({ contacts: { olga: 'desk', sam: 'desk' }, onCall: ['desk'] })).toEqual([['owner', 'desk', 0]]);
  });

  it('a person named like a part of every object is no contact', () => {
    expect(times({}, [{ owner: 'constructor', stopHolder: '__proto__' }])).toEqual([['on-call', 'duty', 0]]);
  });
});

describe('a notice that is not told on its own', () => {
  it.each(['nobody-to-tell', 'crowd', 'flood', 'said-before'])('says why in words: %s', (reason) => {
    expect(quietSentence(reason)).toMatch(/^[a-z]+ .+ [a-z]+$/);
  });

  it('keeps the word of the ledger where there are no words for it', () => {
    expect(quietSentence('constructor')).toBe('constructor');
  });
});
