import { describe, expect, it } from 'vitest';
import { checkPolicies } from '../../src/policy/check-set.ts';
import { kinds } from '../../src/policy/kinds.ts';
import type { KindRequest } from '../../src/policy/request.ts';
import { clean, engineOf, failures, request, shipped, traced, untraced, withTeam } from './kit.ts';

const { agent, now } = request();
function asked(changes: Partial<KindRequest> = {}): KindRequest {
  return {
    kind: 'resource',
    agent,
    resource: { type: 'Server', id: 'files' },
    listed: 'wildcard',
    method: 'resources/read',
    name: 'file:///reports/1',
    says: false,
    environment: 'test',
    flow: traced(clean),
    now,
    ...changes,
  };
}
const model = (changes: Partial<KindRequest> = {}): KindRequest =>
  asked({
    kind: 'model',
    listed: 'exact',
    resource: { type: 'Model', id: 'large', provider: 'anthropic' },
    method: undefined,
    name: undefined,
    ...changes,
  });
const grant = (changes: Partial<KindRequest> = {}): KindRequest =>
  asked({
    kind: 'grant',
    listed: 'exact',
    resource: { type: 'Connector', id: 'billing-db' },
    method: undefined,
    name: 'db',
    issued: 'first-use',
    flow: { kind: 'unknown', why: 'unavailable' },
    ...changes,
  });
const ofKind = (kind: (typeof kinds)[number]): KindRequest =>
  kind === 'model' ? model() : kind === 'grant' ? grant() : asked({ kind });
const permits: Readonly<Record<string, string>> = {
  model: 'listed-model',
  answer: 'answer-flows',
  grant: 'listed-grant',
};

describe('what is no call of a tool', () => {
  it.each(kinds)('flows by the policies that come with estop where the agent’s list names it: %s', (kind) => {
    const engine = engineOf(shipped);
    const id = permits[kind] ?? 'listed-reading';
    expect(engine.decideKind(ofKind(kind))).toMatchObject({ outcome: 'allow', policyIds: [id] });
    expect(engine.decideKind({ ...ofKind(kind), listed: undefined })).toMatchObject({
      outcome: 'deny',
      policyIds: ['gate.not-listed'],
    });
  });

  it.each(kinds)('is denied where no policy permits it: %s', (kind) => {
    const engine = engineOf({
      'tools.cedar': '@id("tools") @allow("Tools.") permit (principal, action in Action::"tool", resource);',
    });
    expect(engine.decideKind(ofKind(kind))).toMatchObject({ outcome: 'deny', policyIds: ['gate.no-permit'] });
    expect(engine.decide(request()).outcome).toBe('allow');
  });

  it('a policy that names no action is of all of them', () => {
    const engine = engineOf(withTeam('@id("shut") @deny("Shut.") forbid (principal, action, resource);'));
    for (const kind of kinds) expect(engine.decideKind(ofKind(kind)).policyIds).toEqual(['shut']);
    expect(engine.decide(request()).policyIds).toEqual(['shut']);
  });

  it('a policy on a model decides by its name, its provider and what the task has read, and touches no tool', () => {
    const engine = engineOf(
      withTeam(`@id("large") @deny("Not this one.") forbid (principal, action == Action::"model", resource == Model::"large")
        when { context.time.hour >= 18 };
        @id("home") @deny("Private data stays here.") forbid (principal, action == Action::"model", resource)
        when { context.reads.private && resource.provider != "openai-compatible" };`),
    );
    const own = { type: 'Model', id: 'own', provider: 'openai-compatible' } as const;
    const secret = traced({ ...clean, reads: { untrusted: false, private: true, labels: ['private'] } });
    expect(engine.decideKind(model()).outcome).toBe('allow');
    expect(engine.decideKind(model({ now: Date.UTC(2026, 0, 5, 18) })).policyIds).toEqual(['large']);
    expect(engine.decideKind(model({ flow: secret })).policyIds).toEqual(['home']);
    expect(engine.decideKind(model({ flow: secret, resource: own })).outcome).toBe('allow');
    // Nothing is known of what it has read: as if it had read everything.
    expect(engine.decideKind(model({ flow: untraced })).policyIds).toEqual(['home']);
    expect(engine.decide(request({ flow: secret })).outcome).toBe('allow');
  });

  it('a policy on a resource decides by its server, its method and its name', () => {
    const engine = engineOf(
      withTeam(`@id("keys") @deny("No keys.") forbid (principal, action == Action::"resource", resource == Server::"files")
        when { context.name like "*.pem" && context.method == "resources/read" };`),
    );
    expect(engine.decideKind(asked()).outcome).toBe('allow');
    expect(engine.decideKind(asked({ name: 'file:///a.pem' })).policyIds).toEqual(['keys']);
    expect(engine.decideKind(asked({ name: 'file:///a.pem', method: 'resources/list' })).outcome).toBe('allow');
    expect(engine.decideKind(asked({ kind: 'prompt', name: 'a.pem' })).outcome).toBe('allow');
  });

  it('a fact that is missing, and a policy that fails, deny', () => {
    failures.length = 0;
    const text = `@id("dear") @deny("x") forbid (principal, action == Action::"model", resource) when { context.spend.task.cents > 5 };
      @id("sum") @deny("x") forbid (principal, action == Action::"prompt", resource) when { context.time.epoch * 9007199254740991 > 0 };`;
    const engine = engineOf(withTeam(text));
    expect(engine.decideKind(model())).toMatchObject({ outcome: 'deny', policyIds: ['gate.failed'] });
    expect(engine.decideKind(asked({ kind: 'prompt' }))).toMatchObject({ outcome: 'deny', policyIds: ['gate.failed'] });
    expect(failures.length).toBe(2);
    expect(engine.decideKind(asked()).outcome).toBe('allow');
  });

  it.each([
    [{ party: ['prose'] }, 'known-answer'],
    [{ url: ['nowhere'] }, 'known-answer'],
    [{ path: ['field'] }, 'known-answer'],
    [{ secret: ['prose'] }, 'known-answer'],
    [{ ref: ['tainted'] }, 'known-answer'],
    [{ text: ['prose'] }, 'known-answer'],
  ] as const)('an answer to a server goes by where it comes from: %o', (origin, id) => {
    const flow = traced({ ...clean, origin: { ...clean.origin, ...origin } });
    expect(engineOf(shipped).decideKind(asked({ kind: 'answer', flow })).policyIds).toEqual([id]);
  });

  it.each(['resource', 'prompt', 'completion', 'subscription'] as const)(
    'what a server is told with it goes by where it comes from: %s',
    (kind) => {
      const engine = engineOf(shipped);
      const of = (origin: Partial<typeof clean.origin>) =>
        engine.decideKind(
          asked({ kind, flow: traced({ ...clean, origin: { ...clean.origin, ...origin } }), says: true }),
        ).policyIds;
      for (const role of ['party', 'url', 'path', 'secret', 'ref', 'text'] as const)
        for (const origin of ['prose', 'tainted'] as const)
          expect(of({ [role]: [origin] }), role).toEqual(['known-words']);
      for (const role of ['url', 'path', 'secret'] as const)
        expect(of({ [role]: ['nowhere'] }), role).toEqual(['known-words']);
      for (const role of ['party', 'ref', 'text'] as const)
        for (const origin of ['request', 'field', 'nowhere'] as const)
          expect(of({ [role]: [origin] }), `${role} ${origin}`).toEqual(['listed-reading']);
    },
  );

  it.each(['resource', 'prompt', 'completion', 'subscription'] as const)(
    'a server is told nothing with it where the record has a gap: %s',
    (kind) => {
      const engine = engineOf(shipped);
      const said = (why: 'not-opened' | 'incomplete' | 'unavailable', says: boolean | undefined) =>
        engine.decideKind(asked({ kind, flow: { kind: 'unknown', why }, says })).policyIds;
      expect([said('incomplete', true), said('unavailable', true)]).toEqual([['untraced-words'], ['untraced-words']]);
      expect([said('incomplete', false), said('unavailable', false)]).toEqual([['listed-reading'], ['listed-reading']]);
      expect(said('not-opened', true)).toEqual(['listed-reading']);
      expect(said('incomplete', undefined)).toEqual(['gate.failed']);
    },
  );

  it('an answer to a server of which nobody knows where it comes from goes where the list names what asked by itself', () => {
    const engine = engineOf(shipped);
    const answer = (listed: 'exact' | 'wildcard', why: 'not-opened' | 'incomplete') =>
      engine.decideKind(asked({ kind: 'answer', listed, flow: { kind: 'unknown', why } })).outcome;
    expect([answer('exact', 'not-opened'), answer('wildcard', 'not-opened')]).toEqual(['allow', 'deny']);
    expect(answer('exact', 'incomplete')).toBe('deny');
  });

  it('a policy on a grant decides by its connector, its name, when it is issued and what the task is for', () => {
    const engine = engineOf(
      withTeam(`@id("audits") @deny("Audits look, and change nothing.") forbid (principal, action == Action::"grant", resource == Connector::"billing-db")
        when { context.purpose == "audit" && context.issued == "first-use" && context.name == "db" };`),
    );
    const spend = { task: { cents: 0, tokens: 0, calls: 0 }, agent: { cents: 0, tokens: 0, calls: 0 } };
    const decided = (changes: Partial<KindRequest>) =>
      engine.decideKind(grant({ purpose: 'audit', spend, ...changes })).policyIds;
    expect(decided({})).toEqual(['audits']);
    const others = [
      { purpose: 'refunds' },
      { issued: 'at-start' as const },
      { name: 'other' },
      { resource: { type: 'Connector' as const, id: 'mail' } },
    ];
    for (const other of others) expect(decided(other)).toEqual(['listed-grant']);
    const byTier =
      '@id("low") @deny("x") forbid (principal, action == Action::"grant", resource) when { context.tier == "read" };';
    expect(checkPolicies(withTeam(byTier), []).ok).toBe(false); // a credential outlives the call that asked for it
    // Without the fact it looks at it is denied.
    expect(decided({ purpose: undefined })).toEqual(['gate.failed']);
  });
});
