import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTaskActivities } from '../../src/activities/task.ts';
import { latchInStore } from '../../src/cli/direct/latch-in-store.ts';
import { agentKey, taskKey } from '../../src/core/scope-key.ts';
import { type PostgresServer } from '../../src/runtime/local/postgres-server.ts';
import { beat, latch } from '../../src/store/latch.ts';
import { openStore } from '../../src/store/pool.ts';
import { sendStopHint } from '../../src/store/stop-hints.ts';
import { getStop } from '../../src/store/stops.ts';
import { requires } from '../kit/requires.ts';
import { type PostgresVersion, startRunPostgres } from '../kit/run-postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { guarded } from './guarded.ts';
import { addAgent, type Ledger, newId, newName, openLedger, order, startTask } from './ledger.ts';
import { doneOrBlocked, untilBlocked } from './waiting.ts';

/** A cluster of its own: its connections are used up, it loses its synchronous standby, and one of its backends is suspended. */
function suite(version: PostgresVersion): void {
  let server: PostgresServer;
  let ledger: Ledger;
  beforeAll(async () => {
    server = await startRunPostgres(tempFolder(), version);
    const superuserUrl = server.url('postgres');
    ledger = await openLedger(superuserUrl, 'standby');
    await ledger.sql('CREATE TABLE public.scratch (x int)');
  });
  afterAll(async () => {
    await server.stop();
  });

  it('a stop gets through while every allow path has used up its connections', async () => {
    // Of the whole server: on one that is shared, nobody else would get a connection meanwhile.
    const [row] = await ledger.sql(`SELECT rolconnlimit AS most FROM pg_roles WHERE rolname = 'estop_trusted'`);
    const most = Number(row?.['most']);
    const greedy = openStore({ url: ledger.urls.estop_trusted, applicationName: 'greedy', max: most + 5 });
    try {
      const taken = await Promise.allSettled(Array.from({ length: most + 5 }, () => greedy.connect()));
      const refused = taken.filter((one) => one.status === 'rejected');
      expect(refused.length).toBeGreaterThanOrEqual(5);
      expect((await latch(ledger.alone('estop_stop', newName('latch')), order(agentKey('greedy')))).kind).toBe(
        'latched',
      );
      expect((await latch(ledger.alone('estop_latch', newName('latch')), order(agentKey('greedy')))).kind).toBe(
        'latched',
      );
      for (const one of taken) if (one.status === 'fulfilled') one.value.release(true);
    } finally {
      await greedy.end();
    }
  });

  const standby = async (name: string): Promise<void> => {
    await ledger.sql(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
    await ledger.sql('SELECT pg_reload_conf()');
    for (;;) {
      const [row] = await ledger.sql('SHOW synchronous_standby_names');
      if (row?.['synchronous_standby_names'] === name) break;
      await sleep(10);
    }
    if (name !== '') await untilCommitsWait();
  };
  /** The setting counts for commits once the checkpointer has taken it over, which is later than sessions see it. */
  const untilCommitsWait = async (): Promise<void> => {
    const session = await ledger.session();
    const application = newName('probe');
    await session.query(`SELECT set_config('application_name', $1, false)`, [application]);
    const waiting = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'SyncRep'`;
    for (let hasWaited = false; !hasWaited; ) {
      let isOver = false;
      const over = (): void => void (isOver = true);
      void session.query('INSERT INTO public.scratch VALUES (0)').then(over, over);
      while (!isOver) {
        if ((await ledger.sql(waiting, [application])).length > 0) hasWaited = true;
        await sleep(5);
      }
    }
    await session.end();
  };
  /** The process that waits for the standby, once it does (and has done so for so long). */
  const waitingForStandby = async (application: string, atLeastMs = 0): Promise<number> => {
    for (;;) {
      const rows = await ledger.sql(
        `SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'SyncRep' AND clock_timestamp() - query_start > make_interval(secs => $2 / 1000.0)`,
        [application, atLeastMs],
      );
      if (rows[0] !== undefined) return Number(rows[0]['pid']);
      await sleep(10);
    }
  };

  it('a commit whose wait for the standby was cancelled is no acknowledgement, of a stop nor of a beat', async () => {
    const one = order('agent:unreplicated');
    await standby('nobody');
    try {
      for (const [kind, send] of [
        ['stop', (name: string) => latch(ledger.alone('estop_stop', name), one).then((result) => result.kind)],
        [
          'beat',
          (name: string) =>
            beat(ledger.alone('estop_stop', name), name).then((acknowledged) =>
              acknowledged ? 'beaten' : 'not-acknowledged',
            ),
        ],
      ] as const) {
        const name = newName(kind);
        const sending = send(name);
        await ledger.sql('SELECT pg_cancel_backend($1)', [await waitingForStandby(name)]);
        expect(await sending).toBe('not-acknowledged');
      }
      // It is visible here all the same; a retry under the same id is what makes it an acknowledged stop.
      expect(await getStop(ledger.as('estop_control'), one.stopId)).toBeDefined();
    } finally {
      await standby('');
    }
    expect(await latch(ledger.as('estop_stop'), one)).toMatchObject({ kind: 'latched', fresh: false });
  });

  /** Ends every wait for the standby of this application, until the work is over. */
  const cancelling = async <Value>(application: string, work: Promise<Value>): Promise<Value> => {
    const pulse = setInterval(
      () =>
        void ledger.sql(
          `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'SyncRep'`,
          [application],
        ),
      50,
    );
    return work.finally(() => clearInterval(pulse));
  };

  it('neither is the same direct stop sent again, nor the kill of a task that this row covers already', async () => {
    const agent = await addAgent(ledger);
    const task = await startTask(ledger, agent);
    const stopOfTask = order(taskKey(task.taskId));
    const name = newName('kill');
    const { latchTask } = createTaskActivities({
      store: ledger.as('estop_trusted'),
      latchStore: ledger.alone('estop_trusted', name),
      config: {
        current: () => {
          throw new Error('a kill that is covered needs no configuration');
        },
      },
      log: pino({ level: 'silent' }),
    });
    const kill = () => latchTask({ taskId: task.taskId, stopId: newId('stop'), reason: '', actor: 'workflow' });
    await standby('nobody');
    try {
      for (let send = 0; send < 2; send += 1) {
        const direct = latchInStore(ledger.urls.estop_latch, stopOfTask);
        await expect(cancelling('estop-direct', direct)).rejects.toMatchObject({ code: 'store-unavailable' });
      }
      // Both saw the row that the first one left behind.
      expect(await getStop(ledger.as('estop_control'), stopOfTask.stopId)).toBeDefined();
      await expect(cancelling(name, kill())).rejects.toMatchObject({ code: 'store-unavailable' });
    } finally {
      await standby('');
    }
    expect(await kill()).toEqual({ stopId: stopOfTask.stopId });
    expect(await latchInStore(ledger.urls.estop_latch, stopOfTask)).toMatchObject({ fresh: false });
  });

  it('a latch that lost its connection while it waited says that it does not know', async () => {
    await standby('nobody');
    try {
      const name = newName('latch');
      const latching = latch(ledger.alone('estop_stop', name), order('agent:cut-off'));
      const outcome = expect(latching).rejects.toMatchObject({ code: 'store-unavailable' });
      await ledger.sql('SELECT pg_terminate_backend($1)', [await waitingForStandby(name)]);
      await outcome;
    } finally {
      await standby('');
    }
  });

  it('no time limit of a role cuts a commit short: the latch waits on, and nobody else is acknowledged before it', async () => {
    await standby('nobody');
    const [first, second] = [newName('first'), newName('second')];
    const store = ledger.alone('estop_stop', first);
    await store.query(`SET statement_timeout = '200ms'`);
    const waiting = latch(store, order('agent:patient'));
    await waitingForStandby(first, 1_000);
    const next = latch(ledger.alone('estop_stop', second), order('agent:next'));
    await untilBlocked(ledger, second);
    await standby('');
    expect((await waiting).kind).toBe('latched');
    expect((await next).kind).toBe('latched');
  });

  const whileNotifyIsStuck = async (l: Ledger, work: () => Promise<void>): Promise<void> => {
    const stuck = await l.session();
    const [name] = [newName('notifier')];
    await stuck.query(`SELECT set_config('application_name', $1, false)`, [name]);
    await standby('nobody');
    const commit = stuck.query(`BEGIN; INSERT INTO public.scratch VALUES (1); NOTIFY estop_stops, '0'; COMMIT`);
    // It holds the database-wide lock of NOTIFY until its commit is over, and its process is suspended before that.
    const pid = await waitingForStandby(name);
    process.kill(pid, 'SIGSTOP');
    try {
      await standby('');
      const hint = newName('hint');
      const hinting = sendStopHint(l.alone('estop_stop', hint), 1);
      expect(await doneOrBlocked(l, hint, hinting)).toBe('blocked');
      try {
        await work();
      } finally {
        process.kill(pid, 'SIGCONT');
        await hinting;
      }
    } finally {
      process.kill(pid, 'SIGCONT');
      await commit;
      await stuck.end();
    }
  };

  guarded(
    () => ledger,
    'a stop does not wait for a NOTIFY that is stuck in its commit',
    (l) =>
      whileNotifyIsStuck(l, async () => {
        const name = newName('latch');
        const latching = latch(l.alone('estop_stop', name), order('agent:unnotified'));
        const outcome = await doneOrBlocked(l, name, latching);
        void latching.catch(() => undefined);
        expect(outcome).not.toBe('blocked');
      }),
    // rule: notify-after-commit
    {
      what: 'sending the hint afterwards',
      in: 'estop.latch',
      find: 'next_epoch := estop.current_epoch() + 1;\n  INSERT',
      put: `PERFORM pg_notify('estop_stops', ''); next_epoch := estop.current_epoch() + 1;\n  INSERT`,
    },
  );
}

requires()('a server that is used up, or whose synchronous standby is gone, on PostgreSQL 18', () => suite('18'));
requires('postgresql-15')('a server that is used up, or whose synchronous standby is gone, on PostgreSQL 15', () =>
  suite('15'),
);
