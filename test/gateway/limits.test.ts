import { beforeAll, describe, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import type { StopOrder } from '../../src/contract/stop.ts';
import type { BreakerRule } from '../../src/core/breaker.ts';
import { listTrips } from '../../src/store/breakers.ts';
import { showBudgets } from '../../src/store/budgets.ts';
import { latch } from '../../src/store/latch.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { breakerRound } from '../../src/workers/relay/breaker-round.ts';
import { newName, putAgents } from '../store/ledger.ts';
import {
  billingBot,
  callTool,
  environment,
  makeRig,
  postRaw,
  type Reply,
  type Rig,
  type RunningGateway,
  until,
  untilReady,
} from './rig.ts';

let rig: Rig;
let gateways: readonly [RunningGateway, RunningGateway];
beforeAll(async () => {
  rig = await makeRig();
  gateways = [await rig.startGateway(), await rig.startGateway()];
  for (const gateway of gateways) await untilReady(gateway);
});

async function addBot(changes: Partial<AgentSpec>): Promise<AgentSpec> {
  const agent = { ...billingBot, agentId: newName('bot'), labels: {}, ...changes };
  await putAgents(rig.ledger, [agent]);
  rig.configure((config) => ({ ...config, agents: [...config.agents, agent] }));
  return agent;
}
const startOf = (agent: AgentSpec): Promise<TaskRecord> => rig.startTask(agent);
const rule = (breaker: BreakerRule['breaker'], action: BreakerRule['action'], most = 3): BreakerRule => ({
  breaker,
  action,
  most,
  atLeast: 0,
  withinMs: 60_000,
});

/** What the relay does twice a second, once; its orders are latched as anybody's. */
async function look(orders: StopOrder[] = []): Promise<void> {
  const store = rig.ledger.as('estop_revoker');
  await breakerRound({
    store,
    environment,
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    latch: async (order) => {
      orders.push(order);
      await latch(store, order);
    },
  }).run();
}
const openTrips = (agent: AgentSpec) =>
  listTrips(rig.ledger.as('estop_control'), { agentId: agent.agentId, open: true });

async function call(task: TaskRecord, name = 'billing__list_invoices', args: unknown = {}, at = 0): Promise<Reply> {
  const gateway = gateways[at % 2] ?? gateways[0];
  return callTool(gateway, await rig.token(task), name, args);
}

describe('a budget at the gateway', () => {
  it('of ten calls lets exactly ten of fifty through, over two gateways, and says which budget had no room', async () => {
    const agent = await addBot({ budgets: { agent: { calls: 10 } } });
    const task = await startOf(agent);
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        call(task, 'billing__send_reminder', { invoice_id: `INV-${index}`, note: 'x' }, index),
      ),
    );
    expect(replies.filter(({ isError }) => !isError)).toHaveLength(10);
    expect(rig.calls(task)).toHaveLength(10);
    const refused = replies.filter(({ meta }) => meta['estop/reason'] === 'over-budget');
    expect(refused).toHaveLength(40);
    expect(refused[0]?.text).toContain('agent budget, calls');
    const [shown] = await showBudgets(rig.ledger.as('estop_control'), agent.agentId);
    expect(shown?.used.calls).toBe(10);
  });

  it('gets back a call that was admitted and then not made', async () => {
    const agent = await addBot({ budgets: { agent: { calls: 1 } } });
    const task = await startOf(agent);
    const refused = await call(task, 'billing__send_reminder', { nonsense: true });
    expect(refused.meta['estop/reason']).toBe('invalid-arguments');
    const [shown] = await showBudgets(rig.ledger.as('estop_control'), agent.agentId);
    expect(shown?.used.calls).toBe(0);
  });
});

describe('a breaker at the gateway', () => {
  it('counts the same successful call through both gateways, and tells people with its numbers', async () => {
    const agent = await addBot({ breakers: [rule('repetition', 'warn')] });
    const task = await startOf(agent);
    for (let index = 0; index < 6; index += 1) expect((await call(task, undefined, {}, index)).isError).toBe(false);
    const [trip] = await until(async () => {
      await look();
      const found = await openTrips(agent);
      return found.length > 0 && found;
    });
    expect(trip).toMatchObject({ breaker: 'repetition', action: 'warn', most: 3 });
    expect(trip?.measured).toBeGreaterThan(3);
    expect((await call(task)).isError).toBe(false);
  });

  it('counts denials that never reach ADMIT, and what is out of bounds among them', async () => {
    const agent = await addBot({ breakers: [rule('denied-rate', 'shadow', 7), rule('out-of-bounds', 'shadow', 3)] });
    const task = await startOf(agent);
    for (let index = 0; index < 2; index += 1) {
      await call(task, 'billing__send_reminder', { nonsense: index });
      await call(task, 'billing__no_such_tool', { index });
    }
    // What is no call at all, or cannot be read in one way only, gets no further than its token.
    const [gateway] = gateways;
    const token = await rig.token(task);
    const say = (body: string) => postRaw(gateway, body, { authorization: `Bearer ${token}` });
    for (const method of ['tasks/get', 'sampling/createMessage'])
      await say(JSON.stringify({ jsonrpc: '2.0', id: 1, method }));
    await say('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}');
    await say(`"${'x'.repeat(1_100_000)}"`);
    const trips = await until(async () => {
      await look();
      const found = await openTrips(agent);
      return found.length > 1 && found;
    });
    expect(Object.fromEntries(trips.map(({ breaker, measured }) => [breaker, measured]))).toEqual({
      'denied-rate': 8,
      'out-of-bounds': 4,
    });
  });

  it('that stops latches a stop of its agent through the latch of anybody, once', async () => {
    const agent = await addBot({ breakers: [rule('call-rate', 'stop')] });
    await look();
    const task = await startOf(agent);
    for (let index = 0; index < 5; index += 1) await call(task, undefined, {}, index);
    const orders: StopOrder[] = [];
    await until(async () => {
      await look(orders);
      return orders.length > 0;
    });
    await look(orders);
    expect(orders).toHaveLength(1);
    expect(orders[0]).toMatchObject({ scopeKey: `agent:${agent.agentId}`, method: 'breaker', category: 0 });
    expect(orders[0]?.reason).toContain('call-rate');
    const stopped = await until(async () => {
      const reply = await call(task);
      return reply.meta['estop/decision'] === 'stopped' && reply;
    });
    expect(stopped.meta['estop/stopId']).toBe(orders[0]?.stopId);
  });

  it('that holds is in force with the trip, for every task of its agent', async () => {
    const agent = await addBot({ breakers: [rule('call-rate', 'hold')] });
    await look();
    const task = await startOf(agent);
    for (let index = 0; index < 5; index += 1) await call(task, undefined, {}, index);
    await until(async () => {
      await look();
      return (await openTrips(agent)).length > 0;
    });
    for (const one of [task, await startOf(agent)]) expect((await call(one)).meta['estop/reason']).toBe('task-held');
  });
});
