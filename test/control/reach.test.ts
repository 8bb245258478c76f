import { describe, expect, it } from 'vitest';
import { type Reached, reachOf } from '../../src/control/reach.ts';
import { sceneConfig } from '../console/scene.ts';

const recorded = [
  { tool: 'billing/refund_payment', tier: 'read' as const },
  { tool: 'mail/send_mail', tier: 'write' as const },
  { tool: 'mail/read_inbox', tier: 'read' as const },
  { tool: 'shell/run_command', tier: 'code' as const },
];

describe('what an agent can reach', () => {
  const of = (agentId: string): readonly Reached[] => reachOf(agentId, sceneConfig(), recorded);
  const named = (items: readonly Reached[], name: string) => items.find((item) => item.name === name);

  it('says who decides, how far out it is, and what estop.yaml decided of its tier', () => {
    expect(named(of('billing-bot'), 'billing/refund_payment')).toEqual({
      kind: 'tool',
      at: 'billing',
      name: 'billing/refund_payment',
      tier: 'destructive',
      decides: 'two people',
      across: 'public',
      by: ['billing-bot'],
      isEscalation: false,
    });
  });

  it('names each tool on record behind a star, and not those that are named by themselves', () => {
    const tools = of('billing-bot').flatMap(({ kind, name, at }) => (kind === 'tool' && at === 'mail' ? [name] : []));
    expect(tools).toEqual(['mail/send_mail', 'mail/read_inbox']);
    expect(named(reachOf('billing-bot', sceneConfig(), []), 'mail/*')).toMatchObject({ tier: null, across: 'private' });
  });

  it('follows who may start whom, and calls it an escalation only where the agent has no way of its own', () => {
    const through = of('billing-bot').filter(({ isEscalation }) => isEscalation);
    expect(through).toMatchObject([
      { name: 'shell/run_command', by: ['billing-bot', 'worker-001'], across: 'machine' },
    ]);
    expect(named(of('worker-001'), 'shell/run_command')?.isEscalation).toBe(false);
  });

  it('reaches no further through another agent where it lends no more than it has', () => {
    const config = sceneConfig();
    const agents = config.agents.map((agent) => ({ ...agent, delegation: 'intersect' as const }));
    const items = reachOf('billing-bot', { ...config, agents }, recorded);
    expect(items.filter(({ kind, isEscalation }) => isEscalation && kind !== 'model')).toEqual([]);
  });

  it('ends where agents may start each other in a ring, and knows nothing of an agent that is not there', () => {
    const config = sceneConfig();
    const ring = config.agents.map((agent) => ({ ...agent, mayStart: config.agents.map(({ agentId }) => agentId) }));
    const items = reachOf('mail-bot', { ...config, agents: ring }, recorded);
    expect(Math.max(...items.map(({ by }) => by.length))).toBe(2);
    expect(reachOf('nobody', config, recorded)).toEqual([]);
  });

  it('calls a credential in the hands of the agent what it is', () => {
    expect(named(of('billing-bot'), 'ledger (postgres)')).toMatchObject({
      kind: 'credential',
      decides: 'nobody, once it is handed over',
    });
  });
});
