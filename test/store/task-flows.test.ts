import { beforeAll, expect, it } from 'vitest';
import { settle } from '../../src/store/calls.ts';
import { retireGateway } from '../../src/store/gateways.ts';
import { pruneRows } from '../../src/store/retention.ts';
import { appendFlow, openFlow, readFlow } from '../../src/store/task-flows.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { closeTasks } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, makeLedger, newId, newName, startChild, startTask } from './ledger.ts';
import { begin, call, delta } from './traced-calls.ts';
import { untilBlocked } from './waiting.ts';

const learn = (l: Ledger, gatewayId: string, task: TaskRecord, callId: string) =>
  appendFlow(l.as('estop_gateway'), [{ rootId: task.rootId, gatewayId, callId, deltas: [delta(1)] }]);
const seqs = async (l: Ledger, taskId: string, after = 0): Promise<readonly number[]> =>
  ((await readFlow(l.as('estop_gateway'), taskId, after))?.entries ?? []).map(({ seq }) => seq);

onEveryPostgres('the memory of a task’s data flow', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'ADMIT refuses a judgement that another gateway’s entry has overtaken, and one’s own entries overtake nothing',
    async (l) => {
      const [mine, other] = [await addGateway(l), await addGateway(l)];
      const task = await begin(l);
      const { callId } = await call(l, mine, task, 1);
      await learn(l, mine, task, callId);
      expect((await call(l, mine, task, 1)).kind).toBe('allow');
      expect((await call(l, other, await begin(l), 1)).kind).toBe('allow');
      const second = await begin(l);
      const elsewhere = await call(l, other, second, 1);
      await learn(l, other, second, elsewhere.callId);
      expect((await call(l, mine, second, 1)).kind).toBe('stale-flow');
      expect((await call(l, mine, second, 2)).kind).toBe('allow');
    },
    {
      what: 'the comparison',
      in: 'estop.record_call',
      find: 'f.root_id IS NOT NULL AND p_flow_seq IS NOT NULL AND (',
      put: 'false AND (',
    },
    { what: 'the entries', in: 'estop.record_call', find: 'e.seq > p_flow_seq', put: 'false' },
    {
      what: 'whose entries',
      in: 'estop.record_call',
      find: 'e.gateway_id IS DISTINCT FROM p_gateway_id',
      put: 'true',
    },
  );

  guarded(
    () => ledger,
    'a call of another gateway that is under way, or whose answer was never remembered, keeps a judgement from being built on',
    async (l) => {
      const [before = '', mine = '', after = ''] = [
        await addGateway(l),
        await addGateway(l),
        await addGateway(l),
      ].sort();
      for (const other of [before, after]) {
        const task = await begin(l);
        const { callId } = await call(l, other, task, 1);
        expect((await call(l, mine, task, 1)).kind).toBe('stale-flow');
        expect(await readFlow(l.as('estop_gateway'), task.taskId, 0)).toMatchObject({ unobserved: [callId] });
        await settle(l.as('estop_gateway'), callId, 'completed');
        expect((await call(l, mine, task, 1)).kind).toBe('stale-flow');
        await retireGateway(l.as('estop_gateway'), other);
        expect((await call(l, mine, task, 1)).kind).toBe('stale-flow');
        // The policy was told that nothing is known.
        expect((await call(l, mine, task)).kind).toBe('allow');
      }
    },
    {
      what: 'calls under way at a gateway that comes before it',
      in: 'estop.record_call',
      find: 'c.gateway_id < p_gateway_id',
      put: 'false',
    },
    {
      what: 'calls under way at a gateway that comes after it',
      in: 'estop.record_call',
      find: 'c.gateway_id > p_gateway_id',
      put: 'false',
    },
    {
      what: 'the mark of a call',
      in: 'estop.record_call',
      find: "NOT (t.has_flow AND p_tool_key LIKE 'tool:%')",
      put: 'true',
    },
  );

  guarded(
    () => ledger,
    'a gateway that retires with an answer on its hands leaves it missing, and one that says it passed nothing on does not',
    async (l) => {
      const [gone, other, mine] = [await addGateway(l), await addGateway(l), await addGateway(l)];
      const [lost, cut] = [await begin(l), await begin(l)];
      await call(l, gone, lost, 1);
      await retireGateway(l.as('estop_gateway'), gone);
      expect((await call(l, mine, lost, 1)).kind).toBe('stale-flow');
      const { callId } = await call(l, other, cut, 1);
      await settle(l.as('estop_gateway'), callId, 'possibly-completed');
      expect((await call(l, mine, cut, 1)).kind).toBe('allow');
    },
    {
      what: 'that nothing was passed on',
      in: 'estop.settle_calls',
      find: "OR g.outcome = 'possibly-completed'",
      put: '',
    },
  );

  guarded(
    () => ledger,
    'entries come in the order of their commits, also where gateways append at once',
    async (l) => {
      const task = await begin(l);
      const gateways = await Promise.all(Array.from({ length: 4 }, () => addGateway(l)));
      const given = await Promise.all(
        gateways.flatMap((id) => Array.from({ length: 5 }, () => learn(l, id, task, newId('call')))),
      );
      expect(
        given
          .flat()
          .map(({ seq }) => seq)
          .sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 20 }, (_, at) => at + 2));
      expect(await seqs(l, task.taskId, 11)).toEqual([12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
    },
    {
      what: 'the row that orders them',
      in: 'estop.append_flow',
      find: 'SET seq = f.seq + g.n FROM',
      put: 'SET seq = f.seq FROM',
      raises: /duplicate key/,
    },
  );

  guarded(
    () => ledger,
    'many entries of one gateway are numbered in the order in which they are given, each in its own memory',
    async (l) => {
      const gatewayId = await addGateway(l);
      const [one, two] = [await begin(l), await begin(l)];
      const entry = (task: TaskRecord, calls: number) => ({ rootId: task.rootId, gatewayId, deltas: [delta(calls)] });
      const given = await appendFlow(l.as('estop_gateway'), [
        entry(one, 1),
        entry(two, 1),
        entry(one, 2),
        entry(one, 3),
      ]);
      const numbers = (task: TaskRecord) => given.filter(({ rootId }) => rootId === task.rootId).map(({ seq }) => seq);
      expect([numbers(one), numbers(two)]).toEqual([[2, 3, 4], [2]]);
      const entries = (await readFlow(l.as('estop_gateway'), one.taskId, 1))?.entries ?? [];
      expect(entries.map(({ deltas }) => deltas[0]?.calls)).toEqual([1, 2, 3]);
    },
    { what: 'the order', in: 'estop.append_flow', find: 'ORDER BY x.ordinality', put: 'ORDER BY x.ordinality DESC' },
    { what: 'the order of the answer', in: 'estop.append_flow', find: 'ORDER BY 1, 2', put: 'ORDER BY 1, 2 DESC' },
  );

  guarded(
    () => ledger,
    'several memories are taken in one order, so that gateways which write to the same ones cannot lock each other out',
    async (l) => {
      const gatewayId = await addGateway(l);
      const roots: string[] = [];
      while (roots.length < 8) roots.push((await begin(l)).rootId);
      roots.sort();
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.task_flows WHERE root_id = $1 FOR UPDATE', [roots[0]]);
      const name = newName('append');
      const appending = appendFlow(
        l.alone('estop_gateway', name),
        roots.toReversed().map((rootId) => ({ rootId, gatewayId, deltas: [delta(1)] })),
      );
      await untilBlocked(l, name);
      const free = await l.sql('SELECT root_id FROM estop.task_flows WHERE root_id = ANY ($1) FOR UPDATE SKIP LOCKED', [
        roots,
      ]);
      await holder.query('ROLLBACK');
      expect(await appending).toHaveLength(8);
      expect(free).toHaveLength(7);
    },
    {
      what: 'the order of the locks',
      in: 'estop.append_flow',
      find: 'ORDER BY f.root_id FOR NO KEY UPDATE',
      put: 'ORDER BY f.root_id DESC FOR NO KEY UPDATE',
    },
  );

  guarded(
    () => ledger,
    'a memory is opened once, for a task that a person started and that is open, and is read by its whole tree',
    async (l) => {
      const agent = await addAgent(l);
      const task = await startTask(l, agent);
      const child = await startChild(l, task, agent, agent);
      const open = (taskId: string): Promise<boolean> =>
        openFlow(l.as('estop_control'), { taskId, keyId: 'flow-1', delta: delta(0) });
      expect(await readFlow(l.as('estop_gateway'), child.taskId, 0)).toBeUndefined();
      expect(await open(child.taskId)).toBe(false);
      expect(await open(task.taskId)).toBe(true);
      expect(await open(task.taskId)).toBe(false);
      expect(await readFlow(l.as('estop_gateway'), child.taskId, 0)).toMatchObject({
        rootId: task.taskId,
        keyId: 'flow-1',
      });
      const closed = await startTask(l, agent);
      await closeTasks(l.as('estop_control'), [closed.taskId], 'done');
      expect(await open(closed.taskId)).toBe(false);
    },
    { what: 'that a person started it', in: 'estop.open_flow', find: 'AND t.parent_id IS NULL', put: '' },
    { what: 'that it is open', in: 'estop.open_flow', find: "AND t.state <> 'closed'", put: '' },
  );

  guarded(
    () => ledger,
    'the memory of a tree that ended long ago is forgotten, and that of one that ended lately is kept',
    async (l) => {
      const [old, late] = [await begin(l), await begin(l)];
      await closeTasks(l.as('estop_control'), [old.taskId, late.taskId], 'done');
      await l.sql("UPDATE estop.tasks SET closed_at = closed_at - interval '3 days' WHERE task_id = $1", [old.taskId]);
      await pruneRows(l.as('estop_revoker'), { olderMs: 2 * 86_400_000, atMost: 1_000 });
      expect(await seqs(l, old.taskId)).toEqual([]);
      expect(await l.sql('SELECT 1 FROM estop.task_flow_entries WHERE root_id = $1', [old.taskId])).toEqual([]);
      expect(await seqs(l, late.taskId)).toEqual([1]);
    },
    {
      what: 'the age',
      in: 'estop.prune_rows',
      find: "t.state = 'closed' AND t.closed_at < before\n      AND NOT",
      put: "t.state = 'closed' AND NOT",
    },
    {
      what: 'the forgetting',
      in: 'estop.prune_rows',
      find: "t.state = 'closed' AND t.closed_at < before\n      AND NOT",
      put: 'false AND NOT',
    },
    { what: 'its entries', in: 'estop.prune_rows', find: 'WHERE e.root_id = old.root_id', put: 'WHERE false' },
  );

  it('an entry for a memory that nobody opened is dropped, and says so', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    expect(await learn(ledger, 'gw', task, newId('call'))).toEqual([]);
  });
});
