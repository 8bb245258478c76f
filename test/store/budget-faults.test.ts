import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import {
  type BudgetEvent,
  type BudgetLimits,
  emptyBudget,
  onBudget,
  type Spend,
  usedOf,
} from '../../src/core/budget.ts';
import { showBudgets } from '../../src/store/budgets.ts';
import { admit, settle, settleCalls } from '../../src/store/calls.ts';
import { registerGateway, retireGateway } from '../../src/store/gateways.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough } from './calls.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, makeLedger, newId, newName, startTask } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

const spend = (tokens: number, microcents = 0, calls = 1): Spend => ({ calls, tokens, microcents });

onEveryPostgres('a budget under faults', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
  });
  const { ask, call } = callsThrough(() => gatewayId);
  const withBudgets = (l: Ledger, budgets: BudgetLimits) => addAgent(l, { budgets });
  const usedBy = async (l: Ledger, agentId: string, scope: string): Promise<Spend | undefined> =>
    (await showBudgets(l.as('estop_control'), agentId)).find((one) => one.scope === scope)?.used;

  const amount = fc.integer({ min: 0, max: 5 });
  const cost: fc.Arbitrary<Spend> = fc.record({ calls: amount, tokens: amount, microcents: amount });
  const slot = fc.constantFrom('a', 'b', 'c', 'd');
  const events: fc.Arbitrary<BudgetEvent> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('reserve' as const), callId: slot, worst: cost }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const), callId: slot, used: cost }) },
    fc.record({ kind: fc.constant('settle' as const), callId: slot }),
    fc.record({ kind: fc.constantFrom('release' as const, 'expire' as const), callId: slot }),
  );

  it('answers and counts as the pure rules do, in any history', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(events, { maxLength: 25, size: 'max' }), async (history) => {
        const limit = { calls: 12, tokens: 12, microcents: 12 };
        const agent = await withBudgets(ledger, { agent: limit });
        const task = await startTask(ledger, agent);
        const store = ledger.as('estop_gateway');
        const open = new Map<string, { readonly callId: string; readonly gatewayId: string }>();
        let budget = emptyBudget(limit);
        for (const event of history) {
          // A call's id is used once: what is under way is not reserved again.
          if (event.kind === 'reserve' && budget.reserved.has(event.callId)) continue;
          const step = onBudget(budget, event);
          budget = step.budget;
          if (event.kind === 'reserve') {
            const own = newId('gw');
            await registerGateway(store, own, 'x');
            const request = ask(task, { worst: event.worst, gatewayId: own });
            const { kind } = await admit(store, request);
            expect(kind).toBe(step.answer === 'reserved' ? 'allow' : 'over-budget');
            if (kind === 'allow') open.set(event.callId, request);
          } else {
            const known = open.get(event.callId);
            if (known === undefined) {
              expect(step.answer).toBe('unknown');
              continue;
            }
            // What is settled stays known here, and is settled again with no effect.
            if (event.kind === 'expire') await retireGateway(store, known.gatewayId);
            else {
              const used = event.kind === 'settle' ? event.used : undefined;
              const outcome = event.kind === 'release' ? 'denied' : 'completed';
              expect(await settle(store, known.callId, outcome, used)).toBe(step.answer === 'settled');
            }
          }
          expect((await usedBy(ledger, agent.agentId, 'agent')) ?? spend(0, 0, 0)).toEqual(usedOf(budget));
        }
      }),
      { numRuns: 25 },
    );
  });

  guarded(
    () => ledger,
    'goes when its task is closed and it is old; what an agent spent in all, and what is in use, stays',
    async (l) => {
      const agent = await withBudgets(l, { task: { calls: 5 }, agent: { calls: 5 }, day: { calls: 5 } });
      const [closed, open] = [await startTask(l, agent), await startTask(l, agent)];
      for (const task of [closed, open]) expect(await call(l, task)).toEqual({ kind: 'allow' });
      await closeTasks(l.as('estop_trusted'), [closed.taskId], 'done');
      await l.sql(`UPDATE estop.budgets SET opened_at = opened_at - interval '3 d' WHERE agent_id = $1`, [
        agent.agentId,
      ]);
      await l.as('estop_revoker').query('SELECT estop.prune_budgets($1, 100)', [2 * 86_400_000]);
      const left = await l.sql('SELECT budget_key FROM estop.budgets WHERE agent_id = $1 ORDER BY 1', [agent.agentId]);
      expect(left.map((row) => row['budget_key'])).toEqual([`agent:${agent.agentId}`, `task:${open.taskId}`]);
    },
    { what: 'tasks that are open', in: 'estop.prune_budgets', find: `WHERE t.state <> 'closed'`, put: 'WHERE false' },
  );

  guarded(
    () => ledger,
    'of one day is the same one after the clock of the store stepped forward and back',
    async (l) => {
      const agent = await withBudgets(l, { day: { calls: 2 } });
      const task = await startTask(l, agent);
      expect(await call(l, task)).toEqual({ kind: 'allow' });
      // What a clock that ran ahead has left behind: a budget of tomorrow.
      await l.sql(
        `INSERT INTO estop.budgets (budget_key, agent_id, scope, calls, tokens, microcents)
         VALUES ('day:' || $1 || '/' || to_char((clock_timestamp() + interval '1 day') AT TIME ZONE 'UTC', 'YYYY-MM-DD'), $1, 'day', 2, 0, 0)`,
        [agent.agentId],
      );
      expect(await call(l, task)).toEqual({ kind: 'allow' });
      expect(await call(l, task)).toMatchObject({ kind: 'over-budget', scope: 'day' });
    },
    {
      what: 'one budget for a date',
      in: 'estop.reserve_budgets',
      find: /to_char\(clock_timestamp\(\)[^)]*\)/,
      put: 'gen_random_uuid()',
    },
  );

  guarded(
    () => ledger,
    'that somebody sits on denies within the lease, and one that is not configured waits for nobody',
    async (l) => {
      const agent = await withBudgets(l, { agent: { calls: 5 } });
      const [task, free] = [await startTask(l, agent), await startTask(l, await addAgent(l))];
      expect(await call(l, task)).toEqual({ kind: 'allow' });
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.budgets FOR UPDATE');
      try {
        const name = newName('stuck');
        const waiting = call(l, task, {}, l.alone('estop_gateway', name)).then(
          () => 'admitted',
          (thrown: { readonly code?: string }) => thrown.code,
        );
        await untilBlocked(l, name);
        expect(await call(l, free)).toEqual({ kind: 'allow' });
        expect(await waiting).toBe('store-unavailable');
      } finally {
        await holder.query('ROLLBACK');
      }
    },
  );

  guarded(
    () => ledger,
    'is settled many calls at a time, in any order, beside calls that reserve from the same ones',
    async (l) => {
      const agent = await withBudgets(l, {
        agent: { tokens: 1_000_000 },
        task: { tokens: 1_000_000 },
        day: { tokens: 1_000_000 },
      });
      const tasks = await Promise.all(Array.from({ length: 4 }, () => startTask(l, agent)));
      const gateway = l.as('estop_gateway');
      const round = async (): Promise<string[]> => {
        const requests = tasks.map((task) => ask(task, { worst: spend(10) }));
        await Promise.all(requests.map((one) => admit(gateway, one)));
        return requests.map((one) => one.callId);
      };
      const settleAll = (ids: readonly string[]) =>
        settleCalls(
          gateway,
          ids.map((callId) => ({ callId, outcome: 'completed', used: spend(3) })),
        );
      let ids = await round();
      for (let turn = 0; turn < 10; turn += 1) {
        const [next, ended] = await Promise.all([round(), settleAll(turn % 2 === 0 ? ids : ids.toReversed())]);
        expect(ended).toBe(ids.length);
        ids = next;
      }
      await settleAll(ids);
      expect(await usedBy(l, agent.agentId, 'agent')).toEqual(spend(11 * 4 * 3, 0, 44));
    },
  );
});
