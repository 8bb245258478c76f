import type { Client } from 'pg';
import { beforeAll, expect } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { admitMany } from '../../src/store/admit-many.ts';
import { decideApproval, getApproval, requestApproval } from '../../src/store/approvals.ts';
import type { Store } from '../../src/store/pool.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { person } from './approval-ground-ways.ts';
import { callsThrough, terms, tool } from './calls.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, digestOf, type Ledger, makeLedger, newId, newName, startTask } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

/** A yes is looked at when nothing has to be waited for any more: like the stops, and in the statement that reads them. */
onEveryPostgres('a yes whose call has to wait', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
  });
  const { ask, call } = callsThrough(() => gatewayId);

  const patient = async (l: Ledger): Promise<{ readonly store: Store; readonly name: string }> => {
    const name = newName('admit');
    const store = l.alone('estop_gateway', name);
    await store.query(`SET lock_timeout = '30s'`);
    await store.query(`SET statement_timeout = '30s'`);
    return { store, name };
  };
  const budgeted = (l: Ledger): Promise<AgentSpec> =>
    addAgent(l, { agentId: newName('rich'), budgets: { agent: { calls: 100 } } });
  const request = async (l: Ledger, task: TaskRecord): Promise<string> => {
    const asked = await requestApproval(l.as('estop_gateway'), {
      approvalId: newId('appr'),
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: tool,
      digest: digestOf('the call'),
      shown: 'x',
      ttlMs: 60_000,
      ...terms,
    });
    if (asked.kind !== 'open') throw new Error(asked.kind);
    return asked.approvalId;
  };
  /** By somebody whose right to say it can be taken away. */
  const approved = async (l: Ledger, task: TaskRecord) => {
    const [approvalId, who] = [await request(l, task), await person(l)];
    const decided = await decideApproval(l.as('estop_control'), {
      approvalId,
      decision: 'approved',
      actor: who,
      reason: '',
      ground: { person: who },
    });
    expect(decided.kind).toBe('decided');
    return { approvalId, lose: () => l.sql(`UPDATE estop.people SET mandates = '[]' WHERE person_id = $1`, [who]) };
  };
  /** Held, and left as it is. */
  const holding = async (l: Ledger, text: string, values: readonly unknown[]): Promise<Client> => {
    const holder = await l.session();
    await holder.query('BEGIN');
    await holder.query(text, [...values]);
    return holder;
  };
  const budgetOf = ({ agentId }: AgentSpec) =>
    ['SELECT 1 FROM estop.budgets WHERE budget_key = $1 FOR UPDATE', [`agent:${agentId}`]] as const;
  const spent = async (l: Ledger, { agentId }: AgentSpec): Promise<unknown> =>
    (await l.sql('SELECT calls::int AS calls FROM estop.budgets WHERE budget_key = $1', [`agent:${agentId}`]))[0]?.[
      'calls'
    ];
  const lastLook = {
    what: 'the look at the yes after the last lock',
    in: 'estop.decide_call',
    find: 'p_redeemed IS NULL OR estop.is_still_approved(p_redeemed)',
    put: 'true',
  };

  guarded(
    () => ledger,
    'for a budget is worth nothing once whoever said it could not say it any more, and takes nothing of the budget',
    async (l) => {
      const agent = await budgeted(l);
      const task = await startTask(l, agent);
      await call(l, task);
      const { approvalId, lose } = await approved(l, task);
      const holder = await holding(l, ...budgetOf(agent));
      const { store, name } = await patient(l);
      const waiting = call(l, task, { needsApproval: true }, store);
      await untilBlocked(l, name);
      await lose();
      await holder.query('COMMIT');
      expect(await waiting).toEqual({ kind: 'needs-approval' });
      expect(await spent(l, agent)).toBe(1);
      expect(await request(l, task)).not.toBe(approvalId);
      expect((await getApproval(l.as('estop_control'), approvalId))?.state).toBe('closed');
    },
    lastLook,
  );

  guarded(
    () => ledger,
    'for its own row is worth nothing then either, though nobody has changed that row',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const { approvalId, lose } = await approved(l, task);
      const holder = await holding(l, 'SELECT 1 FROM estop.approvals WHERE approval_id = $1 FOR UPDATE', [approvalId]);
      const { store, name } = await patient(l);
      const waiting = call(l, task, { needsApproval: true }, store);
      await untilBlocked(l, name);
      await lose();
      await holder.query('COMMIT');
      expect(await waiting).toEqual({ kind: 'needs-approval' });
    },
    lastLook,
    { what: 'what is redeemed being looked at', in: 'estop.admit', find: 'AND c.redeemed IS NULL', put: '' },
  );

  guarded(
    () => ledger,
    'is worth nothing once its time is over',
    async (l) => {
      const agent = await budgeted(l);
      const task = await startTask(l, agent);
      await call(l, task);
      const { approvalId } = await approved(l, task);
      const holder = await holding(l, ...budgetOf(agent));
      const { store, name } = await patient(l);
      await l.sql(`UPDATE estop.approvals SET expires_at = clock_timestamp() + interval '1 s' WHERE approval_id = $1`, [
        approvalId,
      ]);
      const waiting = call(l, task, { needsApproval: true }, store);
      await untilBlocked(l, name);
      await l.sql('SELECT pg_sleep(1)');
      await holder.query('COMMIT');
      expect(await waiting).toEqual({ kind: 'needs-approval' });
      expect((await getApproval(l.as('estop_control'), approvalId))?.state).toBe('expired');
    },
    lastLook,
  );

  guarded(
    () => ledger,
    'is looked at last beside others that wait at the same time, who go on',
    async (l) => {
      const [agent, other] = [await budgeted(l), await addAgent(l)];
      const [task, neighbour] = [await startTask(l, agent), ask(await startTask(l, other))];
      const { lose } = await approved(l, task);
      const needy = ask(task, { needsApproval: true });
      const holder = await holding(
        l,
        `INSERT INTO estop.calls (call_id, gateway_id, task_id, agent_id, keys, epoch, tool_key, digest) VALUES ($1, 'g', 't', 'a', '{}', 0, 'x', '\\x00')`,
        [neighbour.callId],
      );
      const { store, name } = await patient(l);
      const said = admitMany(store, gatewayId, [needy, neighbour]);
      await untilBlocked(l, name);
      await lose();
      await holder.query('ROLLBACK');
      expect([...(await said).values()]).toEqual([{ kind: 'needs-approval' }, { kind: 'allow' }]);
      expect(await spent(l, agent)).toBe(0);
    },
    lastLook,
    {
      what: 'the look at the yes for all of them',
      in: 'estop.admit_many',
      find: 'NOT estop.is_still_approved(r)',
      put: 'false',
    },
  );
});
