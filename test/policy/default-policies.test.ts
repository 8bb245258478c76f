import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlowFacts, origins, roles, tiers, violations } from '../../src/core/flow/facts.ts';
import { clean, engineOf, request, shipped, traced, untraced } from './kit.ts';

const engine = engineOf(shipped);

const anyFacts: fc.Arbitrary<FlowFacts> = fc.record({
  origin: fc.record(
    Object.fromEntries(roles.map((role) => [role, fc.uniqueArray(fc.constantFrom(...origins), { maxLength: 3 })])),
  ) as fc.Arbitrary<FlowFacts['origin']>, // one key for each role
  relevant: fc.boolean(),
  reads: fc.record({ untrusted: fc.boolean(), private: fc.boolean(), labels: fc.constant([]) }),
});
const ruleOf: Readonly<Record<string, string>> = {
  'known-party': 'R1',
  'known-site': 'R2',
  'known-path': 'R3',
  'known-secret': 'R4',
  'known-item': 'R5',
  'asked-for': 'R6',
  'own-words': 'R7',
};

describe('the policies that come with estop', () => {
  it('ask exactly where a rule of the data flow is broken, and name that rule', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(...tiers), (facts, tier) => {
        const broken = violations(facts, tier);
        const decision = engine.decide(request({ tier, flow: traced(facts) }));
        expect(decision.outcome).toBe(broken.length === 0 ? 'allow' : 'ask');
        if (broken.length > 0) expect(new Set(decision.policyIds.map((id) => ruleOf[id]))).toEqual(new Set(broken));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(tiers)('hold %s for a person where nothing is known of its values, unless it only reads', (tier) => {
    const asks = tier === 'read' ? 'allow' : 'ask';
    expect(engine.decide(request({ tier, flow: untraced })).outcome).toBe(asks);
    for (const why of ['incomplete', 'unavailable'] as const)
      for (const listed of ['wildcard', 'exact'] as const)
        expect(engine.decide(request({ tier, listed, flow: { kind: 'unknown', why } })).outcome).toBe(asks);
  });

  it('take an exact name in the list for the operator’s word where no request was registered', () => {
    expect(engine.decide(request({ listed: 'exact', flow: untraced })).outcome).toBe('allow');
    const planted = traced({ ...clean, origin: { ...clean.origin, party: ['prose'] } });
    expect(engine.decide(request({ listed: 'exact', flow: planted }))).toMatchObject({
      outcome: 'ask',
      policyIds: ['known-party'],
    });
  });

  it('deny what a person refused in this task', () => {
    const finding = {
      rule: 'R1',
      role: 'party',
      argument: 'to',
      value: 'x',
      origin: 'prose',
      sentence: 'x',
      reuse: undefined,
      refused: true,
    } as const;
    const facts = { ...clean, origin: { ...clean.origin, party: ['prose'] as const } };
    const flow = { kind: 'known', judgement: { facts, findings: [finding] } } as const;
    expect(engine.decide(request({ flow }))).toMatchObject({ outcome: 'deny' });
    expect(engine.decide(request({ flow })).policyIds).toContain('refused-before');
  });

  it('show the sentence of the value that was found, with the policy that held it', () => {
    const finding = {
      rule: 'R1',
      role: 'party',
      argument: 'to',
      value: 'x',
      origin: 'prose',
      sentence: 'Sends to "x".',
      reuse: undefined,
      refused: false,
    } as const;
    const facts = { ...clean, origin: { ...clean.origin, party: ['prose'] as const } };
    const flow = { kind: 'known', judgement: { facts, findings: [finding] } } as const;
    expect(engine.decide(request({ flow })).reasons).toEqual([{ policy: 'known-party', sentence: 'Sends to "x".' }]);
  });
});

describe('the agent’s own list', () => {
  it('denies what it does not name, and what has no tier', () => {
    expect(engine.decide(request({ listed: undefined }))).toMatchObject({
      outcome: 'deny',
      policyIds: ['gate.not-listed'],
    });
    expect(engine.decide(request({ tier: undefined }))).toMatchObject({
      outcome: 'deny',
      policyIds: ['gate.unknown-tool'],
    });
  });

  it('asks about what it marks so, also where every policy allows it', () => {
    const everything = engineOf({ 'all.cedar': '@id("all") @allow("All.") permit (principal, action, resource);' });
    expect(everything.decide(request({})).outcome).toBe('allow');
    expect(everything.decide(request({ listed: 'ask' }))).toMatchObject({
      outcome: 'ask',
      policyIds: ['gate.list-asks'],
    });
  });
});
