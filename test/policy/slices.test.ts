import { describe, expect, it } from 'vitest';
import { engineOf, request, withTeam } from './kit.ts';

const billing = { agentId: 'billing-bot', owner: 'olga', labels: { team: 'billing', stage: 'live' } };
const other = { agentId: 'other-bot', owner: 'otto', labels: { team: 'sales', stage: 'live' } };
const closing = (head: string, when = ''): string => `@id("closed") @deny("Closed.") forbid (${head}) ${when};`;

describe('a policy that looks at who asks, after one that does not', () => {
  it.each([
    ['by its id', closing('principal == Agent::"billing-bot", action, resource')],
    ['by a label', closing('principal in Label::"team=billing", action, resource')],
    ['by its owner', closing('principal, action, resource', 'when { principal.owner == "olga" }')],
    ['by a label, unless', closing('principal, action, resource', 'unless { principal in Label::"team=sales" }')],
    ['in a set', closing('principal, action, resource', 'when { [principal].contains(Agent::"billing-bot") }')],
    ['in a record', closing('principal, action, resource', 'when { {who: principal}.who in Label::"team=billing" }')],
    [
      'behind a choice',
      closing(
        'principal, action, resource',
        'when { if context.listed == "x" then true else principal.owner == "olga" }',
      ),
    ],
  ])('is told who it is: %s', (_how, team) => {
    const engine = engineOf(withTeam(team));
    for (const asks of [other, billing, other, billing]) {
      const { outcome, policyIds } = engine.decide(request({ tier: 'read', agent: asks }));
      expect([asks.agentId, outcome, policyIds]).toEqual(
        asks === billing ? ['billing-bot', 'deny', ['closed']] : ['other-bot', 'allow', ['read-flows']],
      );
    }
  });

  it('is told who asks for a model, where only a policy of models looks at that', () => {
    const engine = engineOf(
      withTeam(closing('principal in Label::"team=billing", action == Action::"model", resource')),
    );
    const resource = { type: 'Model', id: 'small', provider: 'local' } as const;
    const { environment, flow, now } = request();
    const asked = { kind: 'model', resource, environment, flow, now, listed: 'exact' } as const;
    expect(engine.decideKind({ ...asked, agent: other }).outcome).toBe('allow');
    expect(engine.decideKind({ ...asked, agent: billing })).toMatchObject({ outcome: 'deny', policyIds: ['closed'] });
    expect(engine.decide(request({ tier: 'read', agent: billing })).outcome).toBe('allow');
  });
});

describe('a policy that has a say in some calls only', () => {
  it.each([
    ['one tool', 'action == Action::"billing/refund_payment"'],
    ['the tools of one server', 'action in Action::"billing/*"'],
    ['all tools', 'action in Action::"tool"'],
    ['one of several', 'action in [Action::"model", Action::"billing/refund_payment"]'],
    ['everything', 'action'],
  ])('has it where its head names %s', (_what, head) => {
    const engine = engineOf(withTeam(closing(`principal, ${head}, resource`)));
    expect(engine.decide(request({ tier: 'read' })).policyIds).toEqual(['closed']);
  });

  it('has it in no other', () => {
    const engine = engineOf(withTeam(closing('principal, action == Action::"model", resource')));
    expect(engine.decide(request({ tier: 'read' })).outcome).toBe('allow');
  });
});
