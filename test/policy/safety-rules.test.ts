import { preparsePolicySet, preparseSchema, type StatefulAuthorizationCall } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from 'vitest';
import { checkPolicies } from '../../src/policy/check-set.ts';
import { Engine } from '../../src/policy/engine.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { clean, engineOf, failures, refund, request, setOf, shipped, traced, withTeam } from './kit.ts';

/** Straight at the evaluator, with a set that allows everything but for one `forbid`. */
const schema = `entity Agent { limit: Long }; entity Server; entity Other { open: Bool };
action "call" appliesTo { principal: [Agent], resource: [Server], context: { cents: Long, other: Other } };`;
preparseSchema('safety', schema);
preparsePolicySet('safety', {
  staticPolicies: {
    all: 'permit (principal, action, resource);',
    // Long addition that runs over is an error of the policy, and so is what is asked of an entity that is not there.
    sum: 'forbid (principal, action, resource) when { context.cents + 9223372036854775807 > principal.limit };',
    other: 'forbid (principal, action, resource) when { context.other.open };',
  },
});
const entity = (type: string, attrs: Record<string, number | boolean> = {}) => ({
  uid: { type, id: 'x' },
  attrs,
  parents: [],
});
const call = (changes: Partial<StatefulAuthorizationCall> = {}): StatefulAuthorizationCall => ({
  principal: { type: 'Agent', id: 'x' },
  action: { type: 'Action', id: 'call' },
  resource: { type: 'Server', id: 'x' },
  context: { cents: -1, other: { __entity: { type: 'Other', id: 'x' } } },
  entities: [entity('Agent', { limit: Number.MAX_SAFE_INTEGER }), entity('Server'), entity('Other', { open: false })],
  preparsedPolicySetId: 'safety',
  preparsedSchemaName: 'safety',
  ...changes,
});

describe('the six safety rules of the policy engine', () => {
  it('1: a policy that errors makes the answer no answer, though Cedar says allow', () => {
    expect(evaluate(call({ context: { ...call().context, cents: 5 } }))).toMatchObject({ kind: 'failed' });
    expect(evaluate(call({ preparsedPolicySetId: 'nobody' }))).toMatchObject({ kind: 'failed' });
    expect(evaluate({ ...call(), context: undefined as never })).toMatchObject({ kind: 'failed' });
  });

  it('1: a request that does not fit the schema is refused, though no policy would look at what is wrong', () => {
    expect(evaluate(call())).toEqual({ kind: 'deny', ids: ['sum'] });
    expect(evaluate(call({ context: { ...call().context, more: 1 } }))).toMatchObject({ kind: 'failed' });
  });

  it('2: an entity that is missing fails, whether it is who asks, what is asked, or what a policy looks at', () => {
    const [agent, server, other] = call().entities;
    if (agent === undefined || server === undefined || other === undefined) throw new Error('three entities');
    expect(evaluate(call({ entities: [server, other] }))).toMatchObject({
      kind: 'failed',
      why: 'Agent::"x" is not among the entities',
    });
    expect(evaluate(call({ entities: [agent, other] }))).toMatchObject({
      kind: 'failed',
      why: 'Server::"x" is not among the entities',
    });
    expect(evaluate(call({ entities: [agent, server] }))).toMatchObject({ kind: 'failed' });
  });

  it('3: more entities than one call needs are refused', () => {
    const crowd = Array.from({ length: 20 }, (_, index) => ({
      uid: { type: 'Agent', id: `a${index}` },
      attrs: { limit: 1 },
      parents: [],
    }));
    expect(evaluate(call({ entities: [...call().entities, ...crowd] }))).toMatchObject({
      kind: 'failed',
      why: 'more entities than one call needs',
    });
  });

  it.each([
    ['half a cent', 1.5],
    ['more than a double holds', -(2 ** 53)],
    ['a BigInt', 5n],
    ['no number', Number.NaN],
  ])('4: %s is refused, never rounded', (_what, cents) => {
    expect(evaluate(call({ context: { ...call().context, cents: cents as number } }))).toMatchObject({
      kind: 'failed',
    });
  });

  it('5: a policy for each agent is refused; labels serve', () => {
    const one = (index: number): string =>
      `@id("a${index}") @allow("One agent.") permit (principal == Agent::"agent-${index}", action, resource);`;
    const files = (count: number) => withTeam(Array.from({ length: count }, (_, index) => one(index)).join('\n'));
    expect(checkPolicies(files(50), [refund]).ok).toBe(true);
    expect(checkPolicies(files(51), [refund])).toMatchObject({ ok: false });
    const labelled = engineOf(
      withTeam('@id("x") @deny("No.") forbid (principal in Label::"team=billing", action, resource);'),
    );
    expect(labelled.decide(request()).policyIds).toEqual(['x']);
  });

  it('6: two engines of one thread do not share what they loaded, and a reload replaces the one it is of', () => {
    const open = engineOf(shipped);
    const closed = engineOf(withTeam('@id("shut") @deny("Shut.") forbid (principal, action, resource);'));
    expect(closed.decide(request()).outcome).toBe('deny');
    expect(open.decide(request()).outcome).toBe('allow');
    closed.load(setOf(shipped));
    expect(closed.decide(request()).outcome).toBe('allow');
  });
});

describe('a fact that is missing', () => {
  it('denies where a policy looks at it', () => {
    const engine = engineOf(
      withTeam(
        '@id("dear") @deny("Too dear.") forbid (principal, action, resource) when { context.spend.agent.cents > 100 };',
      ),
    );
    expect(engine.decide(request())).toMatchObject({ outcome: 'deny', policyIds: ['gate.failed'] });
    const spent = (cents: number) => ({
      task: { tokens: 0, calls: 0, cents: 0 },
      agent: { tokens: 0, calls: 0, cents },
    });
    expect(engine.decide(request({ spend: spent(100) })).outcome).toBe('allow');
    expect(engine.decide(request({ spend: spent(101) })).policyIds).toEqual(['dear']);
  });

  it('is nobody’s business where no policy looks at it', () => {
    expect(engineOf(shipped).decide(request({ spend: undefined, purpose: undefined })).outcome).toBe('allow');
  });
});

describe('a policy on arguments', () => {
  const engine = engineOf(
    withTeam(`@id("large") @ask("A large refund.") @approvers("2")
      forbid (principal, action == Action::"billing/refund_payment", resource) when { context.input.cents > 100000 } unless { context.approved };
      @id("inner") @deny("No.") forbid (principal, action == Action::"billing/refund_payment", resource)
      when { context.input has invoice && context.input.invoice.id == "INV-9" };
      @id("dollars") @deny("Euros only.") forbid (principal, action == Action::"billing/refund_payment", resource)
      when { context.input has currency && context.input.currency == billing__refund_payment_Input_currency::"USD" };`),
  );
  const decide = (args: Readonly<Record<string, unknown>>) => engine.decide(request({ args }));

  it('decides by them, and says how many people it wants', () => {
    expect(decide({ cents: 100_000 })).toMatchObject({ outcome: 'allow', approvers: 1 });
    expect(decide({ cents: 100_001 })).toMatchObject({ outcome: 'ask', policyIds: ['large'], approvers: 2 });
    expect(decide({ cents: 5, currency: 'USD' }).policyIds).toEqual(['dollars']);
    expect(decide({ cents: 5, invoice: { id: 'INV-9' } }).policyIds).toEqual(['inner']);
  });

  it.each([
    ['a fraction', { cents: 100_001.5 }],
    ['nothing', {}],
    ['a text', { cents: '100001' }],
    ['null', { cents: null }],
    ['an unknown member', { cents: 5, currency: 'GBP' }],
    ['a record with more than it declares', { cents: 5, invoice: { id: 'INV-1', more: 1 } }],
  ])('denies a call with %s where a policy looks', (_what, args) => {
    failures.length = 0;
    expect(decide(args)).toMatchObject({ outcome: 'deny', policyIds: ['gate.failed'] });
    expect(failures.length).toBe(1);
  });

  it('does not mind what nobody looks at', () => {
    expect(decide({ cents: 5, rate: 1.5 }).outcome).toBe('allow');
  });
});

describe('what may be in force', () => {
  it.each([
    [
      'an argument that the tool does not have',
      '@id("x") @deny("x") forbid (principal, action == Action::"billing/refund_payment", resource) when { context.input.amuont > 5 };',
    ],
    [
      'a tool that nobody knows',
      '@id("x") @deny("x") forbid (principal, action == Action::"billing/refund_pay", resource);',
    ],
    [
      'a fact that does not exist',
      '@id("x") @deny("x") forbid (principal, action, resource) when { context.teir == "read" };',
    ],
    [
      'a text where a number is due',
      '@id("x") @deny("x") forbid (principal, action, resource) when { context.spend.task.cents > "5" };',
    ],
    [
      'a fact that only tools have, for everything',
      '@id("x") @deny("x") forbid (principal, action, resource) when { context.tier == "read" };',
    ],
    [
      'a question about what nobody can be asked about',
      '@id("x") @ask("x") forbid (principal, action == Action::"model", resource) unless { context.approved };',
    ],
    ['no id', '@deny("x") forbid (principal, action, resource);'],
    ['an id of ours', '@id("gate.failed") @deny("x") forbid (principal, action, resource);'],
    ['no sentence', '@id("x") forbid (principal, action, resource);'],
    ['a sentence that turns text around', '@id("x") @deny("a\u202eb") forbid (principal, action, resource);'],
    ['a permit that denies', '@id("x") @deny("x") permit (principal, action, resource);'],
    ['an ask that no yes can lift', '@id("x") @ask("x") forbid (principal, action, resource);'],
    ['an id that is taken', '@id("read-flows") @deny("x") forbid (principal, action, resource);'],
    ['a template', '@id("x") @deny("x") forbid (principal == ?principal, action, resource);'],
    ['half a policy', '@id("x") @deny("x") forbid (principal, '],
  ])('is refused with %s', (_what, text) => {
    const checked = checkPolicies(withTeam(text), [refund]);
    expect(checked.ok ? [] : checked.faults).not.toEqual([]);
  });

  it('a set that Cedar does not take leaves the old one in force', () => {
    const engine = engineOf(shipped);
    const { version } = engine;
    const set = setOf(shipped);
    const broken = { ...set, version: 'other', policies: new Map([['x', { json: { effect: 'nothing' } }]]) as never };
    expect(() => engine.load(broken)).toThrow();
    expect(engine.version).toBe(version);
    expect(engine.decide(request()).outcome).toBe('allow');
  });

  it('nothing, once no policy permits it', () => {
    const engine = engineOf({
      'none.cedar':
        '@id("x") @deny("x") forbid (principal, action in Action::"tool", resource) when { context.tier == "x" };',
    });
    expect(engine.decide(request())).toMatchObject({ outcome: 'deny', policyIds: ['gate.no-permit'] });
    expect(() => new Engine(setOf({}), () => undefined)).toThrow();
  });

  it('an ask about what nothing permits is a denial, not a question', () => {
    const engine = engineOf({
      'ask.cedar':
        '@id("x") @ask("x") forbid (principal, action in Action::"tool", resource) unless { context.approved };',
    });
    expect(engine.decide(request({ flow: traced(clean) })).outcome).toBe('deny');
  });
});
