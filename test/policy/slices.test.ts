import { describe, expect, it } from 'vitest';
import { engineOf, refund, request, withTeam } from './kit.ts';

const billing = { agentId: 'billing-bot', owner: 'olga', labels: { team: 'billing', stage: 'live' } };
const other = { agentId: 'other-bot', owner: 'otto', labels: { team: 'sales', stage: 'live' } };
const closing = (head: string, when = ''): string => `@id("closed") @deny("Closed.") forbid (${head}) ${when};`;

describe('a policy that looks at who asks, after one that does not', () => {
  it.each([
    ['by its id', closing('principal == Agent::"billing-bot", action, resource')],
    ['by a label', closing('principal in Label::"team=billing", action, resource')],
    ['by its owner', closing('principal, action, resource', 'when { principal.owner == "olga" }')],
    ['by a label, unless', closing('principal, action, resource', 'unless { principal in Label::"team=sales" }')],
    [
      'in a set',
      closing('principal, action in Action::"tool", resource', 'when { [principal].contains(Agent::"billing-bot") }'),
    ],
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

describe('a policy that looks at what is called, after one that does not', () => {
  const mail = { serverId: 'mail', name: 'send_mail', inputSchema: { type: 'object' } };

  it.each([
    ['by its name', closing('principal, action == Action::"billing/refund_payment", resource')],
    ['by one of several names', closing('principal, action in [Action::"billing/refund_payment"], resource')],
    ['by the actions of its server', closing('principal, action in Action::"billing/*", resource')],
    ['by its server', closing('principal, action, resource == Server::"billing"')],
    ['by its name, in a condition', closing('principal, action, resource', `when { action in Action::"billing/*" }`)],
    ['by its server, in a condition', closing('principal, action, resource', `when { resource == Server::"billing" }`)],
    [
      'in a set',
      closing('principal, action in Action::"tool", resource', `unless { [Server::"mail"].contains(resource) }`),
    ],
    [
      'by an argument',
      closing('principal, action == Action::"billing/refund_payment", resource', 'when { context.input.cents > 1 }'),
    ],
  ])('is told which one it is: %s', (_how, team) => {
    const engine = engineOf(withTeam(team), [refund, mail]);
    for (const tool of [mail, refund, mail, refund]) {
      const { outcome, policyIds } = engine.decide(request({ tier: 'read', tool }));
      expect([tool.name, outcome, policyIds]).toEqual(
        tool === refund ? ['refund_payment', 'deny', ['closed']] : ['send_mail', 'allow', ['read-flows']],
      );
    }
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
