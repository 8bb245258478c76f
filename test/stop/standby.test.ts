import { afterAll, beforeAll, expect, it } from 'vitest';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { until } from '../revocation/rig.ts';
import { type Ledger, newId, openLedger } from '../store/ledger.ts';
import { type StopProcess, startStopProcess } from './stop-process.ts';

/** Nothing listens there: only the store can acknowledge. */
const noTemporal = '127.0.0.1:1';

requires()('a stop while the synchronous standby is gone', () => {
  let postgres: PostgresServer;
  let ledger: Ledger;
  let stops: StopProcess;
  beforeAll(async () => {
    postgres = await startPostgres({ folder: tempFolder(), name: 'store' });
    ledger = await openLedger(postgres.url('postgres'), 'estop_test');
    stops = await startStopProcess(ledger.urls.estop_stop, noTemporal);
    await until(async () => (await stops.get('/readyz')).body['latch'] === 'ok');
  });
  afterAll(async () => {
    await stops.server.close();
    await postgres.stop();
  });

  /**
   * Takes effect a moment after it was set: so writes are made until one waits. Returns who waits in its commit and holds the lock of
   * NOTIFY meanwhile; that is the session opened here, or a hint of the stop process that came before it.
   */
  const requireStandby = async (): Promise<number> => {
    await ledger.sql("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await ledger.sql('SELECT pg_reload_conf()');
    const session = await ledger.session();
    let isOver = true;
    const over = (): void => void (isOver = true);
    return until(async () => {
      if (isOver) {
        isOver = false;
        session
          .query(
            "BEGIN; CREATE TABLE IF NOT EXISTS public.written (); DROP TABLE public.written; NOTIFY somebody, 'something'; COMMIT",
          )
          .then(over, over);
      }
      const [holder] = await ledger.sql(
        `SELECT a.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE l.granted AND l.locktype = 'object' AND l.database = 0 AND l.classid = 'pg_database'::regclass AND a.wait_event = 'SyncRep'`,
      );
      return holder !== undefined && Number(holder['pid']);
    });
  };
  const requireNoStandby = async (): Promise<void> => {
    await ledger.sql("ALTER SYSTEM SET synchronous_standby_names = ''");
    await ledger.sql('SELECT pg_reload_conf()');
  };
  const waitingForStandby =
    "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'estop-stop-test' AND query LIKE '%estop.latch%'";

  it('is not acknowledged by a commit whose wait was cancelled, nor by the row that it left behind; it is once the standby is back', async () => {
    await requireStandby();
    const request = { stopId: newId('stop'), scopeKey: 'agent:unreplicated' };
    const first = stops.send(request);
    await until(async () => (await ledger.sql(waitingForStandby)).length > 0);
    // Everybody who waits: the latch, and the beat that exercises it.
    const cancelling = setInterval(
      () => void ledger.sql(`SELECT pg_cancel_backend(pid) FROM (${waitingForStandby}) w`),
      200,
    );
    try {
      const { status, body } = await first;
      expect([status, body['code']]).toEqual([503, 'store-unavailable']);
    } finally {
      clearInterval(cancelling);
    }
    // Visible, and yet it was not acknowledged: nobody but this server has it.
    expect(await ledger.sql('SELECT stop_id FROM estop.stops WHERE stop_id = $1', [request.stopId])).toHaveLength(1);
    expect(stops.logged.some(({ fields }) => String(fields['cause']).includes('was not confirmed'))).toBe(true);
    await requireNoStandby();
    const again = await stops.send(request);
    expect([again.status, again.body['state'], again.body['fresh']]).toEqual([200, 'latched', false]);
  }, 60_000);

  it('is latched while the hint hangs behind a NOTIFY that is stuck in its commit', async () => {
    const pid = await requireStandby();
    process.kill(pid, 'SIGSTOP');
    try {
      await requireNoStandby();
      await until(async () => (await stops.get('/readyz')).body['latch'] === 'ok');
      // Each stop sends a hint; none of them waits for one, also not while a hint is seen to hang.
      await until(async () => {
        expect((await stops.send({ scopeKey: 'agent:hinting' })).body['state']).toBe('latched');
        const hanging = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_notify%' AND wait_event_type = 'Lock'";
        return (await ledger.sql(hanging)).length > 0;
      });
      expect((await stops.send({ scopeKey: 'agent:hinting-still' })).body['state']).toBe('latched');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }, 60_000);
});
