import { beforeAll, describe, expect, it } from 'vitest';
import { BreakerResetResult, BreakerTripPage, BudgetPage } from '../../src/contract/http/limits.ts';
import { oneCall } from '../../src/core/budget.ts';
import { tripBreaker } from '../../src/store/breakers.ts';
import { admit, settle } from '../../src/store/calls.ts';
import { registerGateway } from '../../src/store/gateways.ts';
import { callsThrough } from '../store/calls.ts';
import { agentSpec, newId, startTask } from '../store/ledger.ts';
import { type ControlRig, field, makeControl } from './rig.ts';

const bot = agentSpec('billing-bot', { budgets: { call: { tokens: 50 }, agent: { calls: 3, microcents: 5_000_000 } } });

describe('budgets and breakers over HTTP', () => {
  let rig: ControlRig;
  beforeAll(async () => {
    rig = await makeControl([bot, agentSpec('mail-bot')]);
  });
  const trip = (
    action: 'shadow' | 'warn' | 'hold' | 'stop',
    breaker: 'call-rate' | 'repetition' = 'call-rate',
    stopId?: string,
  ) =>
    tripBreaker(rig.ledger.as('estop_revoker'), {
      agentId: bot.agentId,
      rule: { breaker, action, most: 10, atLeast: 0, withinMs: 60_000 },
      measured: 11,
      sample: 12,
      ...(stopId === undefined ? {} : { stopId }),
    });
  const trips = async (query = '') =>
    BreakerTripPage.parse((await rig.call('GET', `/v1/breakers${query}`, { as: 'viewer' })).body).items;
  const reset = (as: string, breaker = 'call-rate', agent = bot.agentId) =>
    rig.call('POST', `/v1/agents/${agent}:reset-breaker`, { as, body: { breaker, reason: 'seen' } });

  it('what an agent may spend is shown with what it spent and what is under way', async () => {
    const gatewayId = newId('gw');
    const gateway = rig.ledger.as('estop_gateway');
    await registerGateway(gateway, gatewayId, 'x');
    const { ask } = callsThrough(() => gatewayId);
    const task = await startTask(rig.ledger, bot);
    const ended = ask(task, { worst: { ...oneCall, microcents: 2_000_000 } });
    for (const one of [ended, ask(task, { worst: { ...oneCall, microcents: 1_000_000 } })])
      expect(await admit(gateway, one)).toEqual({ kind: 'allow' });
    await settle(gateway, ended.callId, 'completed', { ...oneCall, microcents: 500_000 });
    const { body } = await rig.call('GET', `/v1/agents/${bot.agentId}/budgets`, { as: 'viewer' });
    expect(BudgetPage.parse(body).items).toEqual([
      {
        scope: 'agent',
        of: bot.agentId,
        limit: { calls: 3, microcents: 5_000_000 },
        used: { calls: 2, tokens: 0, microcents: 1_500_000 },
        reserved: { calls: 1, tokens: 0, microcents: 1_000_000 },
      },
      expect.objectContaining({ scope: 'call', of: '', limit: { tokens: 50 } }),
    ]);
    expect((await rig.call('GET', '/v1/agents/nobody/budgets', { as: 'viewer' })).status).toBe(404);
  });

  it('a trip is listed with its numbers, and an operator, but not a viewer, ends it', async () => {
    await trip('hold');
    expect(await trips('?agent=billing-bot')).toMatchObject([
      { breaker: 'call-rate', action: 'hold', measured: 11, most: 10, withinMs: 60_000, sample: 12, clearedAt: null },
    ]);
    expect((await reset('viewer')).status).toBe(403);
    expect((await reset('operator', 'bad-mood')).status).toBe(422);
    expect((await reset('operator', 'call-rate', 'nobody')).status).toBe(404);
    expect(BreakerResetResult.parse((await reset('operator')).body).outcome).toBe('reset');
    expect(BreakerResetResult.parse((await reset('operator')).body).outcome).toBe('not-tripped');
    expect(await trips()).toEqual([]);
    expect(await trips('?all=true')).toMatchObject([{ clearedBy: 'operator', clearReason: 'seen' }]);
  });

  it('what a breaker stopped is not reset by the way of the breaker', async () => {
    const stopId = newId('stop');
    await trip('stop', 'repetition', stopId);
    const refused = await reset('operator', 'repetition');
    expect(refused.status).toBe(409);
    expect(field(refused.body, 'detail')).toContain(stopId);
  });

  it('people hear of a trip as it happens, and of no shadow', async () => {
    const heard: unknown[] = [];
    const leave = await rig.deps.events.subscribe((event) => {
      if (event.name === 'breaker') heard.push(event.data);
    });
    await trip('shadow');
    await trip('warn');
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    leave();
    expect(heard).toMatchObject([{ agentId: 'billing-bot', breaker: 'call-rate', action: 'warn', measured: 11 }]);
  });
});
