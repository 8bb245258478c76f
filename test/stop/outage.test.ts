import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { namespaces, stopIntakeWorkflowId } from '../../src/contract/names.ts';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { startTemporal, type TemporalServer } from '../../src/runtime/local/temporal-server.ts';
import { beat } from '../../src/store/latch.ts';
import { startControlWorker } from '../../src/workers/create-control.ts';
import { freezePostgres } from '../kit/freeze-postgres.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { recordingLog, until } from '../revocation/rig.ts';
import { type Ledger, newId, openLedger } from '../store/ledger.ts';
import { type StopProcess, startStopProcess } from './stop-process.ts';

requires('temporal')('a stop while the store is in trouble', () => {
  const folder = tempFolder();
  let postgres: PostgresServer;
  let temporal: TemporalServer;
  let ledger: Ledger;
  let stops: StopProcess;
  let closeWorker: () => Promise<void>;
  const { log, logged } = recordingLog();

  beforeAll(async () => {
    [postgres, temporal] = await Promise.all([
      startPostgres({ folder, name: 'store' }),
      startTemporal({ stateFolder: folder, database: 'memory', ui: false }),
    ]);
    ledger = await openLedger(postgres.url('postgres'), 'estop_test');
    stops = await startStopProcess(ledger.urls.estop_stop, temporal.address);
    const worker = startControlWorker({
      environment: 'test',
      databaseUrl: ledger.urls.estop_revoker,
      temporalAddress: temporal.address,
      connectors: {
        ids: () => [],
        get: () => {
          throw new Error('none');
        },
        system: () => undefined,
      },
      sealer: { seal: (plain) => plain, open: (sealed) => sealed },
      log,
    });
    closeWorker = worker.close;
  });
  afterAll(async () => {
    await closeWorker();
    await temporal.stop();
    await postgres.stop();
  });
  beforeEach(async () => {
    await until(async () => (await stops.get('/readyz')).body['status'] === 'ready');
  });

  const freeze = () => freezePostgres(postgres.pid, ledger.sql);
  const epochOf = async (stopId: string): Promise<unknown> =>
    (await ledger.sql('SELECT epoch FROM estop.stops WHERE stop_id = $1', [stopId]))[0]?.['epoch'];

  it('finds two stop processes ready beside each other, on a server with the usual hundred connections', async () => {
    const mine = await startStopProcess(ledger.urls.estop_stop, temporal.address, 'test', 'estop-stop-mine');
    const isReady = async (one: StopProcess) => (await one.get('/readyz')).body['status'] === 'ready';
    await until(async () => (await isReady(stops)) && (await isReady(mine)), 30_000);
    for (const one of [stops, mine])
      expect((await one.send({ scopeKey: 'agent:beside' })).body['state']).toBe('latched');
    await until(async () => (await isReady(stops)) && (await isReady(mine)), 30_000);
    await mine.server.close();
  });

  it('is accepted while PostgreSQL is frozen, and latched once it thaws', async () => {
    const stopId = newId('stop');
    const frozen = await freeze();
    try {
      const { status, body } = await stops.send({ stopId, scopeKey: 'agent:frozen' });
      expect([status, body['state'], body['stopId']]).toEqual([202, 'accepted', stopId]);
      expect((await stops.get('/livez')).status).toBe(200);
      await until(async () => (await stops.get('/readyz')).body['status'] === 'degraded');
      // Whoever balances by it must not take away the one place that still accepts a stop.
      expect((await stops.get('/readyz')).status).toBe(200);
    } finally {
      frozen.thaw();
    }
    await until(() => epochOf(stopId));
  });

  it('is latched by the intake alone where the stop process died after it had accepted', async () => {
    const mine = await startStopProcess(ledger.urls.estop_stop, temporal.address, 'test', 'estop-stop-mine');
    await until(async () => (await mine.get('/readyz')).body['status'] === 'ready');
    const stopId = newId('stop');
    const frozen = await freeze();
    try {
      expect((await mine.send({ stopId, scopeKey: 'agent:orphaned' })).body['state']).toBe('accepted');
      await mine.server.close();
      frozen.endSessionsOf(/^estop-stop-mine/);
    } finally {
      frozen.thaw();
    }
    // Before the drain would have its turn.
    expect(await until(() => epochOf(stopId), 20_000).catch(() => undefined)).toBeDefined();
    expect(logged.filter(({ fields }) => fields['event'] === 'drain.latch')).toEqual([]);
  });

  it('is latched by the drain where somebody terminated the intake, and only then is the intake drained', async () => {
    const connection = await Connection.connect({ address: temporal.address });
    const client = new Client({ connection, namespace: namespaces.control });
    const mine = await startStopProcess(ledger.urls.estop_stop, temporal.address, 'test', 'estop-stop-mine');
    await until(async () => (await mine.get('/readyz')).body['status'] === 'ready');
    const stopId = newId('stop');
    const frozen = await freeze();
    try {
      expect((await mine.send({ stopId, scopeKey: 'agent:terminated' })).body['state']).toBe('accepted');
      await mine.server.close();
      frozen.endSessionsOf(/^estop-stop-mine/);
      await client.workflow.getHandle(stopIntakeWorkflowId('test')).terminate('by hand');
    } finally {
      frozen.thaw();
    }
    await ledger.sql(
      "INSERT INTO estop.gateways (gateway_id, address, drain_wanted_at) VALUES ($1, '', clock_timestamp())",
      [newId('gw')],
    );
    await until(
      async () =>
        (await ledger.sql('SELECT 1 FROM estop.intake_drains d, estop.gateways g WHERE d.begun_at > g.drain_wanted_at'))
          .length > 0,
    );
    expect(await epochOf(stopId)).toBeDefined();
    await connection.close();
  });

  it('is latched on a new connection where the warm ones hang', async () => {
    // Sessions of those that were closed under a frozen server end late, and until then they count among the role's.
    await until(
      async () =>
        (await ledger.sql("SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'estop-stop-mine%'")).length ===
        0,
    );
    const rows = await ledger.sql(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'estop-stop-test' AND query NOT LIKE '%pg_notify%'",
    );
    const pids = rows.map((row) => Number(row['pid']));
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    try {
      await Promise.all(['agent:hung-1', 'agent:hung-2', 'agent:hung-3'].map((scopeKey) => stops.send({ scopeKey })));
      // On a crowded machine one new connection may take longer than the latch's patience; the warm ones hang for good.
      await until(async () => (await stops.send({ scopeKey: 'agent:after-the-hung' })).body['state'] === 'latched');
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    }
  });

  it('has a conflict in the intake latched under another id rather than lost', async () => {
    const stopId = newId('stop');
    await stops.send({ stopId, scopeKey: 'agent:first' });
    const frozen = await freeze();
    try {
      expect((await stops.send({ stopId, scopeKey: 'agent:second' })).body['state']).toBe('accepted');
    } finally {
      frozen.thaw();
    }
    await until(
      async () => (await ledger.sql("SELECT 1 FROM estop.stops WHERE scope_key = 'agent:second'")).length === 1,
    );
  });

  it('is accepted while PostgreSQL is down, latched when it is back, and the beat comes back too', async () => {
    const stopId = newId('stop');
    await postgres.stop();
    const { status, body } = await stops.send({ stopId, scopeKey: 'agent:down' });
    expect([status, body['state']]).toEqual([202, 'accepted']);
    postgres = await startPostgres({ folder, name: 'store', port: postgres.port });
    await until(() => epochOf(stopId).catch(() => undefined));
    await until(async () => (await stops.get('/readyz')).body['latch'] === 'ok');
    expect(await beat(ledger.as('estop_stop'), 'by-hand')).toBe(true);
  });

  it('is latched as ever while Temporal is down, and answered with the direct command where both are away', async () => {
    await temporal.stop();
    const { status, body } = await stops.send({ scopeKey: 'agent:no-temporal' });
    expect([status, body['state']]).toEqual([200, 'latched']);

    const stopId = newId('stop');
    const frozen = await freeze();
    try {
      const answer = await stops.send({ stopId, scopeKey: 'agent:nobody' });
      expect([answer.status, answer.body['code']]).toEqual([503, 'store-unavailable']);
      expect(answer.body['detail']).toMatch(new RegExp(`estop stop scope agent:nobody --direct .*--stop-id ${stopId}`));
    } finally {
      frozen.thaw();
    }
  });
});
