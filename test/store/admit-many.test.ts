import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { agentKey } from '../../src/core/scope-key.ts';
import { createLedgerPort } from '../../src/gateway/store-port.ts';
import { admitMany } from '../../src/store/admit-many.ts';
import { type Admission, type AdmitRequest, admit, listCalls } from '../../src/store/calls.ts';
import { openStore, type Store } from '../../src/store/pool.ts';
import { closeTasks, setTaskHeld } from '../../src/store/tasks.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { callsThrough } from './calls.ts';
import { addGateway } from './gateway.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, makeLedger, newId, newName, startTask, stop, stopAgent } from './ledger.ts';
import { untilBlocked } from './waiting.ts';

onEveryPostgres('a tool call beside others that wait at the same time', (createOn) => {
  let ledger: Ledger;
  let gatewayId: string;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
    gatewayId = await addGateway(ledger);
  });

  const { ask, call } = callsThrough(() => gatewayId);

  /** As the gateway asks: what is asked in one tick is asked together. */
  const together = (store: Store, requests: readonly AdmitRequest[]): readonly Promise<Admission>[] => {
    const port = createLedgerPort(store);
    return requests.map((request) => port.admit(request));
  };
  /** Connected, and with limits on waiting that no slow machine reaches while it arranges what is waited for. */
  const patient = async (l: Ledger): Promise<{ readonly store: Store; readonly name: string }> => {
    const name = newName('admit');
    const store = l.alone('estop_gateway', name);
    await store.query(`SET lock_timeout = '30s'`);
    await store.query(`SET statement_timeout = '30s'`);
    return { store, name };
  };
  /** Whoever records this call waits until the session that holds it is through. */
  const holds = async (l: Ledger, { callId }: AdmitRequest) => {
    const holder = await l.session();
    await holder.query('BEGIN');
    await holder.query(
      `INSERT INTO estop.calls (call_id, gateway_id, task_id, agent_id, keys, epoch, tool_key, digest) VALUES ($1, 'g', 't', 'a', '{}', 0, 'x', '\\x00')`,
      [callId],
    );
    return holder;
  };
  const budgeted = (l: Ledger, stem: string, calls: number) =>
    addAgent(l, { agentId: newName(stem), budgets: { agent: { calls } } });

  guarded(
    () => ledger,
    'is decided for itself, on record once',
    async (l) => {
      const [agent, poor] = [await addAgent(l), await budgeted(l, 'poor', 0)];
      const [plain, held, closed] = [await startTask(l, agent), await startTask(l, agent), await startTask(l, agent)];
      const stopped = await startTask(l, await addAgent(l));
      const { stopId } = await stop(l, agentKey(stopped.agentId));
      await setTaskHeld(l.as('estop_control'), held.taskId, true, 'olga');
      await closeTasks(l.as('estop_trusted'), [closed.taskId], 'done');
      const stranger = { ...plain, taskId: newId('task') };
      const tasks = [plain, held, closed, stopped, stranger, await startTask(l, poor), plain];
      const requests = [...tasks.map((task) => ask(task)), ask(plain, { gatewayId: newId('gw') })];
      expect(await Promise.all(together(l.as('estop_gateway'), requests))).toEqual([
        { kind: 'allow' },
        { kind: 'held' },
        { kind: 'denied', reason: 'task-closed' },
        { kind: 'stopped', stopId },
        { kind: 'denied', reason: 'unknown-task' },
        { kind: 'over-budget', scope: 'agent', unit: 'calls' },
        { kind: 'allow' },
        { kind: 'denied', reason: 'unknown-gateway' },
      ]);
      expect((await listCalls(l.as('estop_control'), { taskId: plain.taskId })).items).toHaveLength(2);
    },
    {
      what: 'whose answer it is',
      in: 'estop.admit_many',
      find: "coalesce(refused[i], 'allow')",
      put: "'allow'",
    },
  );

  guarded(
    () => ledger,
    'needs its approval there too',
    async (l) => {
      const task = await startTask(l, await addAgent(l));
      const needy = ask(task, { needsApproval: true });
      const said = await admitMany(l.as('estop_gateway'), gatewayId, [ask(task), needy]);
      expect(said.get(needy.callId)).toEqual({ kind: 'needs-approval' });
    },
    { what: 'the approval', in: 'estop.admit_many', find: 'coalesce(g.approval, true)', put: 'false' },
  );

  guarded(
    () => ledger,
    'sees the stop that was latched while a neighbour waited, and takes nothing from the neighbour',
    async (l) => {
      const [agent, other] = [await addAgent(l), await addAgent(l)];
      const [covered, neighbour] = [ask(await startTask(l, agent)), ask(await startTask(l, other))];
      const holder = await holds(l, neighbour);
      const { store, name } = await patient(l);
      const asked = Promise.all(together(store, [covered, neighbour]));
      await untilBlocked(l, name);
      const { stopId } = await stopAgent(l, agent);
      await holder.query('ROLLBACK');
      expect(await asked).toEqual([{ kind: 'stopped', stopId }, { kind: 'allow' }]);
      const recorded = await l.sql('SELECT outcome FROM estop.calls WHERE call_id = ANY ($1) ORDER BY outcome', [
        [covered.callId, neighbour.callId],
      ]);
      expect(recorded).toEqual([{ outcome: 'denied' }, { outcome: null }]);
    },
    // rule: admit-stops-last
    { what: 'the last look', in: 'estop.admit_many', find: 'IF estop.dead_by(', put: 'IF false AND estop.dead_by(' },
    {
      what: 'the stops in the last look',
      in: 'estop.admit_many',
      find: 'estop.dead_by(keys, agents, oldest) IS NOT NULL OR ',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'sees the hold and the end of its task that came while a neighbour waited',
    async (l) => {
      const [agent, other] = [await addAgent(l), await addAgent(l)];
      const [held, closed, gone] = [await startTask(l, agent), await startTask(l, agent), await startTask(l, agent)];
      for (const [task, end] of [
        [held, () => setTaskHeld(l.as('estop_control'), held.taskId, true, 'olga')],
        [closed, () => closeTasks(l.as('estop_trusted'), [closed.taskId], 'done')],
        [gone, () => l.sql('DELETE FROM estop.tasks WHERE task_id = $1', [gone.taskId])],
      ] as const) {
        const neighbour = ask(await startTask(l, other));
        const holder = await holds(l, neighbour);
        const { store, name } = await patient(l);
        const asked = Promise.all(together(store, [ask(task), neighbour]));
        await untilBlocked(l, name);
        await end();
        await holder.query('ROLLBACK');
        const [own, beside] = await asked;
        expect(own?.kind).not.toBe('allow');
        expect(beside).toEqual({ kind: 'allow' });
      }
    },
    {
      what: 'the hold in the last look',
      in: 'estop.admit_many',
      find: ' OR estop.is_held(NULL, lines)',
      put: '',
    },
    {
      what: 'the task in the last look',
      in: 'estop.admit_many',
      find: " AND n.state <> 'closed'",
      put: '',
    },
    {
      what: 'that its task is there',
      in: 'estop.admit_many',
      find: /\(SELECT count\(\*\) FROM estop\.tasks n .* <> \(.*unnest\(tasks\) n\)/,
      put: "EXISTS (SELECT 1 FROM estop.tasks n WHERE n.task_id = ANY (tasks) AND n.state = 'closed')",
    },
  );

  guarded(
    () => ledger,
    'is not refused for the budget of a neighbour that is held',
    async (l) => {
      const poor = await budgeted(l, 'poor', 1);
      const [held, free] = [await startTask(l, poor), await startTask(l, poor)];
      await setTaskHeld(l.as('estop_control'), held.taskId, true, 'olga');
      const said = await Promise.all(together(l.as('estop_gateway'), [ask(held), ask(free)]));
      expect(said).toEqual([{ kind: 'held' }, { kind: 'allow' }]);
    },
    { what: 'asking again', in: 'estop.admit_many', find: /IF g\.budget_keys IS NOT NULL[\s\S]*?END IF;/, put: '' },
  );

  it('cannot be kept from its answer by one that cannot be recorded', async () => {
    const task = await startTask(ledger, await addAgent(ledger));
    const twice = ask(task);
    expect(await admit(ledger.as('estop_gateway'), twice)).toEqual({ kind: 'allow' });
    const said = await Promise.allSettled(together(ledger.as('estop_gateway'), [ask(task), twice, ask(task)]));
    const allowed = { status: 'fulfilled', value: { kind: 'allow' } };
    expect(said).toMatchObject([allowed, { status: 'rejected', reason: { code: 'conflict' } }, allowed]);
  });

  guarded(
    () => ledger,
    'waits for the budgets of all its neighbours a quarter of the time that a call alone would wait for its own',
    async (l) => {
      const [one, other] = [await budgeted(l, 'one', 100), await budgeted(l, 'other', 100)];
      const tasks = [await startTask(l, one), await startTask(l, other)] as const;
      for (const task of tasks) await call(l, task);
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.budgets WHERE budget_key = $1 FOR UPDATE', [`agent:${one.agentId}`]);
      const { store } = await patient(l);
      await store.query(`SET lock_timeout = '1200ms'`);
      await store.query(`SET statement_timeout = '900ms'`); // which of the two ends it is told apart by the server
      const thrown: unknown = await admitMany(store, gatewayId, [ask(tasks[0]), ask(tasks[1])]).catch((error) => error);
      await holder.query('ROLLBACK');
      expect(thrown).toMatchObject({ cause: { code: '55P03' } });
    },
    { what: 'the bound on all waits', in: 'estop.lock_budgets', find: /PERFORM set_config\(.*\);/, put: '' },
  );

  it('is not kept from its answer by one whose budget is held', async () => {
    const [held, other] = [await budgeted(ledger, 'held', 1_000), await budgeted(ledger, 'free', 1_000)];
    const [ofHeld, ofOther] = [await startTask(ledger, held), await startTask(ledger, other)];
    await call(ledger, ofHeld);
    const holder = await ledger.session();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM estop.budgets WHERE budget_key = $1 FOR UPDATE', [`agent:${held.agentId}`]);
    // A batch waits a second, and a call alone four: both long over before three hundred could have waited one after the other.
    const url = new URL(ledger.urls.estop_gateway);
    url.searchParams.set('options', '-c lock_timeout=4s -c statement_timeout=30s -c timezone=UTC -c datestyle=ISO');
    const store = openStore({ url: url.href, applicationName: newName('admit'), max: 8, connectTimeoutMs: 300_000 });
    onTestFinished(() => store.end());
    const port = createLedgerPort(store);
    const waiting = Array.from({ length: 300 }, () => port.admit(ask(ofHeld)));
    const others = Array.from({ length: 10 }, () => port.admit(ask(ofOther)));
    for (const said of await Promise.all(others)) expect(said).toEqual({ kind: 'allow' });
    await holder.query('ROLLBACK');
    for (const said of await Promise.all(waiting)) expect(said).toEqual({ kind: 'allow' });
  });

  it('shares its budget: of fifty calls at once ten spend what there is for ten', async () => {
    const [rich, other] = [await budgeted(ledger, 'rich', 10), await budgeted(ledger, 'rich', 1_000)];
    const tasks = [await startTask(ledger, rich), await startTask(ledger, other)] as const;
    const requests = Array.from({ length: 100 }, (_, index) => ask(index % 2 === 0 ? tasks[0] : tasks[1]));
    const gateways = [0, 1, 2, 3].map((gateway) =>
      requests.filter((_, index) => Math.floor(index / 2) % 4 === gateway),
    );
    const asked = gateways.flatMap((calls) => together(ledger.as('estop_gateway'), calls));
    const kinds = (await Promise.all(asked)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'allow')).toHaveLength(10 + 50);
    expect(kinds.filter((kind) => kind === 'over-budget')).toHaveLength(40);
    expect(
      await ledger.sql('SELECT calls::int AS calls FROM estop.budgets WHERE budget_key = $1', [
        `agent:${rich.agentId}`,
      ]),
    ).toEqual([{ calls: 10 }]);
  });

  guarded(
    () => ledger,
    'waits for no batch and no call that waits for it, in whatever order they name their budgets',
    async (l) => {
      const both = { agent: { calls: 100 }, day: { calls: 100 } };
      const a = await addAgent(l, { agentId: newName('a'), budgets: both });
      const [c, d] = [await budgeted(l, 'c', 100), await budgeted(l, 'd', 100)];
      const [ofA, ofC, ofD] = [await startTask(l, a), await startTask(l, c), await startTask(l, d)];
      for (const task of [ofA, ofC, ofD]) await call(l, task);
      const stores = [await patient(l), await patient(l), await patient(l)] as const;
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM estop.budgets WHERE budget_key = $1 FOR UPDATE', [`agent:${d.agentId}`]);
      const ask3 = [
        () => admitMany(stores[0].store, gatewayId, [ask(ofA), ask(ofD), ask(ofC)]),
        () => admitMany(stores[1].store, gatewayId, [ask(ofC), ask(ofA)]),
        () => admit(stores[2].store, ask(ofA)),
      ] as const;
      const said: Promise<unknown>[] = [];
      for (const [index, one] of ask3.entries()) {
        said.push(one());
        await untilBlocked(l, stores[index]?.name ?? '');
      }
      const ended = Promise.allSettled(said);
      await holder.query('ROLLBACK');
      await ended;
      await Promise.all(said);
    },
    {
      what: 'locking the budgets first',
      in: 'estop.admit_many',
      find: /PERFORM estop\.lock_budgets\(.*\);/,
      put: '',
      raises: /deadlock detected/,
    },
    {
      what: 'the order of the locks',
      in: 'estop.lock_budgets',
      find: 'ORDER BY key',
      put: 'ORDER BY key DESC',
      raises: /deadlock detected/,
    },
  );
});
