import { preparsePolicySet, preparseSchema, type StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from 'vitest';
import { type Answers, evaluate, evaluateOnce } from '../../src/policy/evaluate.ts';
import type { KnownTool } from '../../src/policy/tool-shape.ts';
import { engineOf, request, setOf, shipped, withTeam } from './kit.ts';

const load = (policy: string): unknown => preparsePolicySet('answers', { staticPolicies: { only: policy } });
preparseSchema(
  'answers',
  'entity Agent; entity Server; action "call" appliesTo { principal: [Agent], resource: [Server], context: { cents: Long } };',
);
const call = (cents: number): StatefulAuthorizationCall => ({
  principal: { type: 'Agent', id: 'x' },
  action: { type: 'Action', id: 'call' },
  resource: { type: 'Server', id: 'x' },
  context: { cents },
  entities: ['Agent', 'Server'].map((type) => ({ uid: { type, id: 'x' }, attrs: {}, parents: [] })),
  preparsedPolicySetId: 'answers',
  preparsedSchemaName: 'answers',
});

describe('an answer that is remembered', () => {
  it('is the answer to just this question', () => {
    load('permit (principal, action, resource) when { context.cents < 10 };');
    const answers: Answers = new Map();
    for (const cents of [1, 9, 10, 1, 9, 10, 11])
      expect([cents, evaluateOnce(call(cents), answers)]).toEqual([cents, evaluate(call(cents))]);
    expect(answers.size).toBe(4);
  });

  it('is none to a long question: an agent says how long its arguments are', () => {
    load('permit (principal, action, resource);');
    const answers: Answers = new Map();
    const id = 'x'.repeat(20_000);
    const entities = [
      { uid: { type: 'Agent', id }, attrs: {}, parents: [] },
      { uid: { type: 'Server', id: 'x' }, attrs: {}, parents: [] },
    ];
    const long = { ...call(1), principal: { type: 'Agent', id }, entities };
    expect(evaluateOnce(long, answers).kind).toBe('allow');
    expect(answers.size).toBe(0);
  });

  it('is never a failure, which may be over at the next call', () => {
    const answers: Answers = new Map();
    const nobody = { ...call(1), preparsedPolicySetId: 'not-yet' };
    expect(evaluateOnce(nobody, answers).kind).toBe('failed');
    preparsePolicySet('not-yet', { staticPolicies: { only: 'permit (principal, action, resource);' } });
    expect(evaluateOnce(nobody, answers).kind).toBe('allow');
  });

  it('is looked for only where the question itself is sound', () => {
    load('permit (principal, action, resource);');
    const answers: Answers = new Map();
    expect(evaluateOnce(call(1), answers).kind).toBe('allow');
    const tooLarge = 2n as unknown as number; // what a careless parser would hand over
    for (const cents of [Number.NaN, 1.5, tooLarge]) expect(evaluateOnce(call(cents), answers).kind).toBe('failed');
  });

  it('goes with the policies that gave it', () => {
    const engine = engineOf(shipped);
    const { agent, environment, flow, now } = request();
    const files = { type: 'Server', id: 'files' } as const;
    const method = { kind: 'resource', method: 'resources/read', name: 'file:///1', says: false } as const;
    const asked = { ...method, agent, environment, flow, now, resource: files, listed: 'wildcard' } as const;
    expect(engine.decideKind(asked).outcome).toBe('allow');
    engine.load(setOf(withTeam('@id("closed") @deny("Closed.") forbid (principal, action, resource);')));
    expect(engine.decideKind(asked)).toMatchObject({ outcome: 'deny', policyIds: ['closed'] });
  });

  it('goes with the schema of the tool that it was given for', () => {
    const engine = engineOf(
      withTeam(
        '@id("much") @deny("Too much.") forbid (principal, action == Action::"billing/pay", resource) when { context.input.cents > 400 && !(context.input has note) };',
      ),
      [payWith(['cents'])],
    );
    const asked = request({ tier: 'read', tool: payWith(['cents']) });
    expect(engine.decide(asked).policyIds).toEqual(['much']);
    // The very same words are no call of the tool any more.
    expect(engine.decide({ ...asked, tool: payWith(['cents', 'note']) }).policyIds).toEqual(['gate.failed']);
  });
});

const payWith = (required: readonly string[]): KnownTool => ({
  serverId: 'billing',
  name: 'pay',
  inputSchema: { type: 'object', properties: { cents: { type: 'integer' }, note: { type: 'string' } }, required },
});
