import { beforeAll, expect } from 'vitest';
import type { BudgetLimits, Spend } from '../../src/core/budget.ts';
import { getApproval } from '../../src/store/approvals.ts';
import { showBudgets } from '../../src/store/budgets.ts';
import { admit, settle } from '../../src/store/calls.ts';
import { registerGateway, retireGateway } from '../../src/store/gateways.ts';
import { setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough } from './calls.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, makeLedger, newId, putAgents, startChild, startTask } from './ledger.ts';

const spend = (tokens: number, microcents = 0, calls = 1): Spend => ({ calls, tokens, microcents });

onEveryPostgres('a budget', (createOn) => {
  let ledger: Ledger;
  const gateways: string[] = [];
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    for (const id of [newId('gw'), newId('gw')]) {
      gateways.push(id);
      await registerGateway(ledger.as('estop_gateway'), id, 'x');
    }
  });
  const { ask, call, approve } = callsThrough(() => gateways[0] ?? '');
  const withBudgets = (l: Ledger, budgets: BudgetLimits) => addAgent(l, { budgets });
  const usedBy = async (l: Ledger, agentId: string, scope: string): Promise<Spend | undefined> =>
    (await showBudgets(l.as('estop_control'), agentId)).find((one) => one.scope === scope)?.used;

  guarded(
    () => ledger,
    'of ten is spent exactly by fifty calls at once, through two gateways on many connections',
    async (l) => {
      const agent = await withBudgets(l, { agent: { calls: 10 } });
      const tasks = await Promise.all([startTask(l, agent), startTask(l, agent)]);
      const stores = Array.from({ length: 8 }, (_, index) => l.alone('estop_gateway', `budget-${index}`));
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, index) => {
          const [task, store] = [tasks[index % 2], stores[index % 8]];
          if (task === undefined || store === undefined) throw new Error('there are two tasks and eight stores');
          return call(l, task, { gatewayId: gateways[index % 2] ?? '' }, store);
        }),
      );
      expect(results.filter((one) => one.kind === 'allow')).toHaveLength(10);
      expect(results.filter((one) => one.kind === 'over-budget')).toHaveLength(40);
      expect(results.find((one) => one.kind === 'over-budget')).toEqual({
        kind: 'over-budget',
        scope: 'agent',
        unit: 'calls',
      });
      expect((await usedBy(l, agent.agentId, 'agent'))?.calls).toBe(10);
    },
    {
      what: 'comparing under the lock',
      in: 'estop.reserve_budgets',
      find: 'WHERE x.calls <= b.calls - w_calls AND',
      put: 'WHERE',
    },
    { what: 'the denial', in: 'estop.record_call', find: 'IF over IS NOT NULL', put: 'IF false' },
  );

  guarded(
    () => ledger,
    'is limited by call, task, tree, agent and day, each by itself, and names the one without room',
    async (l) => {
      const perCall = await startTask(l, await withBudgets(l, { call: { tokens: 100 } }));
      expect(await call(l, perCall, { worst: spend(101) })).toEqual({
        kind: 'over-budget',
        scope: 'call',
        unit: 'tokens',
      });
      expect(await call(l, perCall, { worst: spend(100) })).toEqual({ kind: 'allow' });

      const agent = await withBudgets(l, { task: { calls: 1 }, agent: { calls: 2 } });
      const [one, two, three] = [await startTask(l, agent), await startTask(l, agent), await startTask(l, agent)];
      expect(await call(l, one)).toEqual({ kind: 'allow' });
      expect(await call(l, one)).toEqual({ kind: 'over-budget', scope: 'task', unit: 'calls' });
      // What the task had no room for was not taken from the agent either.
      expect(await call(l, two)).toEqual({ kind: 'allow' });
      expect(await call(l, three)).toEqual({ kind: 'over-budget', scope: 'agent', unit: 'calls' });

      const daily = await startTask(l, await withBudgets(l, { day: { microcents: 1_000 } }));
      expect(await call(l, daily, { worst: spend(0, 1_001) })).toMatchObject({ kind: 'over-budget', scope: 'day' });
      expect(await call(l, daily, { worst: spend(0, 600) })).toEqual({ kind: 'allow' });
      expect(await call(l, daily, { worst: spend(0, 600) })).toEqual({
        kind: 'over-budget',
        scope: 'day',
        unit: 'microcents',
      });

      const rootAgent = await withBudgets(l, { tree: { calls: 2 } });
      const childAgent = await addAgent(l);
      const parent = { ...rootAgent, mayStart: [childAgent.agentId] };
      await putAgents(l, [parent]);
      const root = await startTask(l, parent);
      const child = await startChild(l, root, parent, childAgent);
      expect(await call(l, root)).toEqual({ kind: 'allow' });
      expect(await call(l, child)).toEqual({ kind: 'allow' });
      expect(await call(l, child)).toEqual({ kind: 'over-budget', scope: 'tree', unit: 'calls' });
      expect(await call(l, await startTask(l, childAgent))).toEqual({ kind: 'allow' });
    },
    {
      what: 'the cap of one call',
      in: 'estop.reserve_budgets',
      find: "WHEN w_tokens > b.tokens THEN b.scope || ' tokens'",
      put: '',
    },
    {
      what: 'giving back what another budget had no room for',
      in: 'estop.reserve_budgets',
      find: 'PERFORM estop.release_budgets(keys, p_worst);',
      put: '',
    },
    {
      what: "the tree being the root's",
      in: 'estop.reserve_budgets',
      find: 'IF p_root_id <> p_task_id THEN',
      put: 'IF false THEN',
    },
  );

  guarded(
    () => ledger,
    'gives back what a call did not use or what was never made, and keeps what a provider bills beyond it',
    async (l) => {
      const agent = await withBudgets(l, { agent: { tokens: 1_000 } });
      const task = await startTask(l, agent);
      const gateway = l.as('estop_gateway');
      const reserved = [ask(task, { worst: spend(400) }), ask(task, { worst: spend(400) })];
      for (const one of reserved) expect(await admit(gateway, one)).toEqual({ kind: 'allow' });
      expect(await call(l, task, { worst: spend(400) })).toMatchObject({ kind: 'over-budget' });
      const [first, second] = reserved.map((one) => one.callId);
      expect(await settle(gateway, String(first), 'completed', spend(50))).toBe(true);
      expect(await usedBy(l, agent.agentId, 'agent')).toMatchObject({ tokens: 450, calls: 2 });
      expect(await settle(gateway, String(second), 'denied')).toBe(true);
      expect(await usedBy(l, agent.agentId, 'agent')).toMatchObject({ tokens: 50, calls: 1 });
      // Neither twice, nor after the fact.
      expect(await settle(gateway, String(second), 'denied')).toBe(false);
      expect(await usedBy(l, agent.agentId, 'agent')).toMatchObject({ tokens: 50, calls: 1 });
      const third = ask(task, { worst: spend(100) });
      expect(await admit(gateway, third)).toEqual({ kind: 'allow' });
      await settle(gateway, third.callId, 'completed', spend(2_000));
      expect(await usedBy(l, agent.agentId, 'agent')).toMatchObject({ tokens: 2_050 });
      const silent = ask(await startTask(l, await withBudgets(l, { agent: { tokens: 10 } })), { worst: spend(10) });
      expect(await admit(gateway, silent)).toEqual({ kind: 'allow' });
      await settle(gateway, silent.callId, 'failed');
      expect(await call(l, { ...task, taskId: silent.taskId }, { worst: spend(1) })).toMatchObject({
        kind: 'over-budget',
      });
    },
    { what: 'settling once', in: 'estop.settle_calls', find: 'AND o.settled_at IS NULL', put: '' },
    {
      what: 'taking the bill as it is',
      in: 'estop.settle_calls',
      find: 'WHEN g.is_told THEN g.tokens',
      put: 'WHEN g.is_told THEN least(g.tokens, c.cost_tokens)',
    },
    {
      what: 'spending the worst of the silent',
      in: 'estop.settle_calls',
      find: 'ELSE c.cost_tokens END',
      put: 'ELSE 0 END',
    },
  );

  guarded(
    () => ledger,
    'stays spent by a call whose gateway died between reserving and settling, also when that gateway comes back',
    async (l) => {
      const agent = await withBudgets(l, { agent: { calls: 1 } });
      const task = await startTask(l, agent);
      const gatewayId = newId('gw');
      await registerGateway(l.as('estop_gateway'), gatewayId, 'x');
      const lost = ask(task, { gatewayId });
      expect(await admit(l.as('estop_gateway'), lost)).toEqual({ kind: 'allow' });
      await retireGateway(l.as('estop_gateway'), gatewayId);
      expect((await usedBy(l, agent.agentId, 'agent'))?.calls).toBe(1);
      // It had been asleep, and says that the call was never made.
      expect(await settle(l.as('estop_gateway'), lost.callId, 'denied')).toBe(false);
      expect(await call(l, task)).toMatchObject({ kind: 'over-budget' });
    },
    { what: 'settling once', in: 'estop.settle_calls', find: 'AND o.settled_at IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'and an approval are both kept when the other, or a hold, forbids the call',
    async (l) => {
      const agent = await withBudgets(l, { agent: { calls: 1 } });
      const task = await startTask(l, agent);
      const control = l.as('estop_control');
      await setTaskHeld(control, task.taskId, true, 'olga');
      expect(await call(l, task)).toEqual({ kind: 'held' });
      await setTaskHeld(control, task.taskId, false, 'olga');
      expect(await usedBy(l, agent.agentId, 'agent')).toMatchObject({ calls: 0 });
      expect(await call(l, task, { needsApproval: true })).toEqual({ kind: 'needs-approval' });
      expect(await call(l, task)).toEqual({ kind: 'allow' });
      const approvalId = await approve(l, task);
      expect(await call(l, task, { needsApproval: true })).toMatchObject({ kind: 'over-budget' });
      expect((await getApproval(control, approvalId))?.state).toBe('approved');
    },
    {
      what: 'giving the budget back',
      in: 'estop.decide_call',
      find: 'PERFORM estop.release_budgets(p_reserved, p_worst);',
      put: '',
    },
    {
      what: 'giving the approval back',
      in: 'estop.record_call',
      find: "UPDATE estop.approvals a SET state = 'approved', call_id = NULL WHERE a.approval_id = redeemed;",
      put: '',
    },
  );

  guarded(
    () => ledger,
    'takes no cost that is negative or missing',
    async (l) => {
      const task = await startTask(l, await withBudgets(l, { agent: { tokens: 100 } }));
      for (const tokens of [-1, Number.NaN, 0.5, 2 ** 70]) {
        const outcome = await call(l, task, { worst: spend(tokens) }).then(
          (admission) => admission.kind,
          () => 'refused',
        );
        expect(outcome).not.toBe('allow');
      }
      for (const worst of [null, [1, null, 0], [1, 2], [-1, 0, 0]])
        await expect(
          l.sql('SELECT estop.reserve_budgets($1, $2, $1, $3::bigint[])', [task.taskId, task.agentId, worst]),
        ).rejects.toThrow('whole numbers');
      expect(await call(l, task, { worst: spend(100) })).toEqual({ kind: 'allow' });
      const unlimited = await startTask(l, await addAgent(l));
      await expect(call(l, unlimited, { worst: spend(-1) })).rejects.toMatchObject({ cause: { code: 'ES002' } });
    },
    {
      what: 'the check where nothing is limited',
      in: 'estop.record_call',
      find: / OR \(p_worst.* IS NOT TRUE/,
      put: '',
    },
    {
      what: 'the check of the amount',
      in: 'estop.reserve_budgets',
      find: 'IS NOT TRUE THEN',
      put: 'AND false THEN',
      raises: /.*/,
    },
  );
});
