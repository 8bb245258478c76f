import { beforeAll, expect, it } from 'vitest';
import { beat, latch } from '../../src/store/latch.ts';
import { getStop } from '../../src/store/stops.ts';
import { onEveryPostgres } from '../kit/postgres.ts';
import { guarded } from './guarded.ts';
import { heldUpBeat } from './held-up-beat.ts';
import { addAgent, type Ledger, makeLedger, mustLatch, newId, newName, order, startTask, stop } from './ledger.ts';
import { doneOrBlocked, untilBlocked } from './waiting.ts';

onEveryPostgres('the latch', (createOn) => {
  let ledger: Ledger;
  beforeAll(async () => {
    ledger = await makeLedger(createOn);
  });

  guarded(
    () => ledger,
    'fifty stops at once get fifty epochs without a gap, in the order in which they committed',
    async (l) => {
      const before = Number((await l.sql('SELECT estop.current_epoch() AS epoch'))[0]?.['epoch']);
      const results = await Promise.all(
        Array.from({ length: 50 }, () => latch(l.as('estop_stop'), order('agent:crowd'))),
      );
      const epochs = results.map((result) => mustLatch(result).epoch).sort((a, b) => a - b);
      expect(epochs).toEqual(Array.from({ length: 50 }, (_, index) => before + 1 + index));
      const rows = await l.sql(`SELECT epoch, latched_at FROM estop.stops WHERE epoch > $1 ORDER BY epoch`, [before]);
      const times = rows.map((row) => String(row['latched_at']));
      expect(times).toEqual([...times].sort());
    },
    // rule: latch-two-statements. Tried: the lock taken in the statement that reads the epoch.
    {
      what: 'the lock in a statement of its own',
      in: 'estop.latch',
      find: /PERFORM 1 FROM estop\.latch_order FOR UPDATE;[\s\S]*?END IF;([\s\S]*)(INSERT INTO estop\.stops)/,
      put: '$1 PERFORM pg_sleep(0.05); $2',
      raises: /duplicate key/,
    },
  );

  guarded(
    () => ledger,
    'a stop sent many times at once is one stop',
    async (l) => {
      const one = order('agent:repeated');
      const results = await Promise.all(Array.from({ length: 20 }, () => latch(l.as('estop_stop'), one)));
      const latched = results.map(mustLatch);
      expect(new Set(latched.map((result) => result.epoch)).size).toBe(1);
      expect(latched.filter((result) => result.fresh)).toHaveLength(1);
    },
    {
      what: 'the look for the same id',
      in: 'estop.latch',
      find: 'IF FOUND THEN RETURN; END IF;',
      put: '',
      raises: /duplicate key/,
    },
  );

  it("an id that is another scope's is not an acknowledgement", async () => {
    const first = await stop(ledger, 'agent:one');
    const second = await latch(ledger.as('estop_stop'), order('agent:two', { stopId: first.stopId }));
    expect(second).toEqual({ kind: 'id-taken', stopId: first.stopId, scopeKey: 'agent:one' });
  });

  guarded(
    () => ledger,
    'a stop waits for nobody who holds rows of agents, tasks, grants, calls or approvals',
    async (l) => {
      const agent = await addAgent(l);
      await startTask(l, agent);
      const holder = await l.session();
      await holder.query('BEGIN');
      try {
        for (const table of [
          'agents',
          'tasks',
          'grants',
          'calls',
          'approvals',
          'gateways',
          'obligations',
          'stop_progress',
        ]) {
          await holder.query(`LOCK TABLE estop.${table} IN ACCESS EXCLUSIVE MODE`);
        }
        const name = newName('latch');
        const outcome = await doneOrBlocked(
          l,
          name,
          latch(l.alone('estop_stop', name), order(`agent:${agent.agentId}`)),
        );
        expect(outcome).not.toBe('blocked');
      } finally {
        await holder.query('ROLLBACK');
      }
    },
    // rule: latch-no-foreign-locks. Tried: what a foreign key to agents would do.
    {
      what: 'keeping off the tables of allow paths',
      in: 'estop.latch',
      find: 'next_epoch := estop.current_epoch() + 1;\n  INSERT',
      put: 'PERFORM 1 FROM estop.agents FOR KEY SHARE; next_epoch := estop.current_epoch() + 1;\n  INSERT',
    },
  );

  it('whoever merely has a connection cannot make a stop wait', async () => {
    const intruder = await ledger.session('estop_control');
    await intruder.query('SELECT pg_advisory_lock(1163088975, 1), pg_advisory_lock(1163088975, 0)');
    for (const attempt of [
      'SELECT 1 FROM estop.latch_order FOR UPDATE',
      'SELECT 1 FROM estop.stops FOR SHARE',
      'LOCK TABLE estop.stops IN SHARE MODE',
    ]) {
      await intruder.query('BEGIN');
      await expect(intruder.query(attempt)).rejects.toThrow(/permission denied/);
      await intruder.query('ROLLBACK');
    }
    const name = newName('latch');
    expect(await doneOrBlocked(ledger, name, latch(ledger.alone('estop_stop', name), order('agent:free')))).not.toBe(
      'blocked',
    );
    await intruder.end();
  });

  guarded(
    () => ledger,
    'a beat is refused an acknowledgement by whatever would refuse a stop its own',
    async (l) => {
      const held = await heldUpBeat(l);
      await held.release();
      expect(held.isBlocked).toBe(true);
      expect(await held.beating).toBe(true);
      expect(await l.sql('SELECT 1 FROM estop.latch_marks WHERE process = $1', [held.process])).toHaveLength(1);
    },
    {
      what: "the beat taking the stops' own lock",
      in: 'estop.latch',
      find: 'PERFORM 1 FROM estop.latch_order FOR UPDATE;',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'a beat also notices a table that nobody can write to',
    async (l) => {
      const holder = await l.session();
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE estop.stops IN SHARE MODE');
      const name = newName('beat');
      const beating = beat(l.alone('estop_stop', name), name);
      const outcome = await doneOrBlocked(l, name, beating);
      await holder.query('ROLLBACK');
      await beating;
      expect(outcome).toBe('blocked');
    },
    {
      what: 'the beat taking the table lock',
      in: 'estop.latch',
      find: 'LOCK TABLE estop.stops IN ROW EXCLUSIVE MODE;',
      put: '',
    },
  );

  guarded(
    () => ledger,
    'odd arguments are mended, never a reason not to stop',
    async (l) => {
      const stopId = newId('stop');
      const store = l.as('estop_stop');
      await store.query(`SELECT * FROM estop.latch($1, 'fleet', 7::smallint, -5, NULL, NULL, NULL)`, [stopId]);
      await store.query(
        `SELECT * FROM estop.latch($1, 'fleet', 1::smallint, 999999999, repeat('x', 1000000), 'a', 'm')`,
        [`${stopId}b`],
      );
      expect(await getStop(store, stopId)).toMatchObject({ category: 0, graceMs: 0, actor: 'unnamed' });
      const long = await getStop(store, `${stopId}b`);
      expect(long?.graceMs).toBe(60_000);
      expect(long?.reason).toHaveLength(2_000);
    },
    {
      what: 'clamping the grace',
      in: 'estop.latch',
      find: 'least(greatest(coalesce(p_grace_ms, 0), 0), 60000)',
      put: 'p_grace_ms',
      raises: /check constraint/,
    },
  );

  guarded(
    () => ledger,
    'a trace is kept as it should be written, or not at all, and never a reason not to stop',
    async (l) => {
      const store = l.as('estop_stop');
      const given = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
      const kept = async (trace: string): Promise<unknown> => {
        const stopId = newId('stop');
        await latch(store, order('agent:traced', { stopId, trace }));
        return (await l.sql('SELECT trace FROM estop.stops WHERE stop_id = $1', [stopId]))[0]?.['trace'];
      };
      expect(await kept(given)).toBe(given);
      const keptState = async (traceState: string, trace?: string): Promise<unknown> => {
        const stopId = newId('stop');
        await latch(store, order('agent:traced', { stopId, traceState, ...(trace === undefined ? {} : { trace }) }));
        return (await l.sql('SELECT trace_state FROM estop.stops WHERE stop_id = $1', [stopId]))[0]?.['trace_state'];
      };
      expect(await keptState("congo=t61rcWkgMzE,rojo=it's;--", given)).toBe("congo=t61rcWkgMzE,rojo=it's;--");
      expect(await keptState('a=1')).toBeNull();
      for (const state of ['', 'a=1\r\nx: y', 'a=é', `a=${'x'.repeat(511)}`, 'x'.repeat(100_000), '=1'])
        expect(await keptState(state, given)).toBeNull();
      for (const trace of ['', 'x'.repeat(100_000), `${given}\n`, given.toUpperCase(), given.replace('b', "'")])
        expect(await kept(trace)).toBeNull();
    },
    {
      what: 'looking at the trace',
      in: 'estop.latch',
      find: "CASE WHEN length(p_trace) = 55 AND p_trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$' THEN p_trace END",
      put: 'p_trace',
    },
  );

  it('what is no scope, or has no id, is refused aloud and latches nothing', async () => {
    const store = ledger.as('estop_stop');
    const count = async (): Promise<unknown> => (await ledger.sql('SELECT count(*) AS n FROM estop.stops'))[0]?.['n'];
    const before = await count();
    for (const scope of [
      '',
      'agent:',
      'agent: billing',
      'everything',
      'AGENT:x',
      'agent:a\u0000b',
      'agent:a\nb',
      `agent:${'x'.repeat(300)}`,
    ]) {
      await expect(latch(store, order(scope))).rejects.toMatchObject({ code: 'invalid-input' });
    }
    await expect(
      store.query(`SELECT * FROM estop.latch(NULL, 'fleet', 0::smallint, 0, 'r', 'a', 'm')`),
    ).rejects.toThrow(/needs an id/);
    expect(await count()).toBe(before);
  });

  it('a stop refuses to run under any isolation but READ COMMITTED', async () => {
    const session = await ledger.session('estop_stop');
    await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await expect(
      session.query(`SELECT * FROM estop.latch('x', 'fleet', 0::smallint, 0, 'r', 'a', 'm')`),
    ).rejects.toThrow(/READ COMMITTED/);
    await session.query('ROLLBACK');
  });

  it('a stop is durable whatever its session asked for', async () => {
    const session = await ledger.session('estop_stop');
    for (const setting of ['off', 'local']) {
      await session.query('BEGIN');
      await session.query(`SET LOCAL synchronous_commit = ${setting}`);
      await session.query(`SELECT * FROM estop.latch($1, 'agent:durable', 0::smallint, 0, 'r', 'a', 'm')`, [
        newId('stop'),
      ]);
      const shown = await session.query<{ synchronous_commit: string }>('SHOW synchronous_commit');
      await session.query('COMMIT');
      expect(shown.rows[0]?.synchronous_commit).toBe('on');
    }
  });

  it('stops still get their own epochs in a store restored without the row that orders them', async () => {
    const session = await ledger.session();
    await session.query('DELETE FROM estop.latch_order');
    try {
      const results = await Promise.all(
        Array.from({ length: 10 }, () => latch(ledger.as('estop_stop'), order('agent:restored'))),
      );
      expect(new Set(results.map((result) => mustLatch(result).epoch)).size).toBe(10);
    } finally {
      await session.query('INSERT INTO estop.latch_order DEFAULT VALUES');
    }
  });

  it('a latch that its caller leaves uncommitted makes others wait for no longer than the idle limit', async () => {
    const careless = await ledger.session('estop_stop');
    await careless.query('BEGIN');
    await careless.query(`SELECT * FROM estop.latch($1, 'agent:careless', 0::smallint, 0, 'r', 'a', 'm')`, [
      newId('stop'),
    ]);
    const name = newName('latch');
    const waiting = latch(ledger.alone('estop_stop', name), order('agent:patient'));
    await untilBlocked(ledger, name);
    expect((await waiting).kind).toBe('latched');
  });
});
