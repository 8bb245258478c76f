import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { beforeAll, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { compose } from '../../src/runtime/compose.ts';
import { addAccessToken } from '../../src/runtime/keys/access-tokens.ts';
import { ensureKeys } from '../../src/runtime/keys/key-ring.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { startNodeProcess } from '../../src/runtime/local/node-process.ts';
import { sourceRoot } from '../../src/runtime/package-root.ts';
import { provisionTemporal } from '../../src/runtime/provision/temporal-namespaces.ts';
import { readTemporalSecurity } from '../../src/runtime/temporal-security.ts';
import { runCli } from '../cli/rig.ts';
import { createDatabase } from '../kit/postgres.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { makeLedger } from '../store/ledger.ts';
import { type Certificates, makeCertificates, startKeyListener, startTlsFront } from './temporal-tls.rig.ts';

const mutual = (made: Certificates) => ({
  ESTOP_TEMPORAL_TLS_CA_FILE: made.ca,
  ESTOP_TEMPORAL_TLS_CERT_FILE: made.clientCert,
  ESTOP_TEMPORAL_TLS_KEY_FILE: made.clientKey,
  ESTOP_TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
});

describe('how Temporal is reached', () => {
  const fileWith = (text: string): string => {
    const path = join(tempFolder(), 'file');
    writeFileSync(path, text);
    return path;
  };
  const some = () => fileWith('x');

  it('is in the clear where nothing is said, and with the system’s authorities on a bare yes', () => {
    expect(readTemporalSecurity({})).toEqual({});
    expect(readTemporalSecurity({ ESTOP_TEMPORAL_TLS: 'no', ESTOP_TEMPORAL_API_KEY_FILE: '' })).toEqual({});
    expect(readTemporalSecurity({ ESTOP_TEMPORAL_TLS: 'yes' })).toEqual({ tls: true });
  });

  it('an API key is read from its file, and always goes with TLS', () => {
    expect(readTemporalSecurity({ ESTOP_TEMPORAL_API_KEY_FILE: fileWith('canary\n') })).toEqual({
      tls: {},
      apiKey: 'canary',
    });
  });

  it.each([
    [
      'a credential that would go in the clear',
      { ESTOP_TEMPORAL_TLS: 'no', ESTOP_TEMPORAL_API_KEY_FILE: some() },
      /is no, and ESTOP_TEMPORAL_API_KEY_FILE needs TLS/,
    ],
    ['a certificate without its key', { ESTOP_TEMPORAL_TLS_CERT_FILE: some() }, /come together/],
    ['a key without its certificate', { ESTOP_TEMPORAL_TLS_KEY_FILE: some() }, /come together/],
    [
      'a file that is not there',
      { ESTOP_TEMPORAL_TLS_CA_FILE: '/no/such' },
      /ESTOP_TEMPORAL_TLS_CA_FILE: file \/no\/such/,
    ],
    ['a word that is neither yes nor no', { ESTOP_TEMPORAL_TLS: 'true' }, /yes or no/],
    ['a key of two lines', { ESTOP_TEMPORAL_API_KEY_FILE: fileWith('canary\nx') }, /one key on one line/],
    ['a file without a key', { ESTOP_TEMPORAL_API_KEY_FILE: fileWith('\n') }, /one key on one line/],
  ])('%s is refused by name', (_what, given, words) => {
    expect(() => readTemporalSecurity(given)).toThrow(words);
    expect(() => readTemporalSecurity(given)).not.toThrow(/canary/);
  });
});

requires('temporal', 'openssl')('a Temporal behind TLS that asks for client certificates', () => {
  let made: Certificates;
  beforeAll(() => {
    made = makeCertificates();
  });
  const front = () => startTlsFront(inject('temporalAddress'), made);

  it('is reached with the right certificates by both kinds of connection, and by no other', async () => {
    const { address, accepted } = await front();
    const reach = async (given: Parameters<typeof readTemporalSecurity>[0]): Promise<boolean> => {
      try {
        const connection = await Connection.connect({ address, ...readTemporalSecurity(given), connectTimeout: '1s' });
        await connection.close();
        const native = await NativeConnection.connect({ address, ...readTemporalSecurity(given) });
        await native.close();
        return true;
      } catch {
        return false;
      }
    };
    expect(await reach(mutual(made))).toBe(true);
    expect(accepted()).toBe(2);
    for (const wrong of [
      {},
      { ESTOP_TEMPORAL_TLS: 'yes' },
      { ...mutual(made), ESTOP_TEMPORAL_TLS_CA_FILE: makeCertificates().ca },
      { ...mutual(made), ESTOP_TEMPORAL_TLS_SERVER_NAME: 'elsewhere.test' },
    ])
      expect([wrong, await reach(wrong)]).toEqual([wrong, false]);
    const { ESTOP_TEMPORAL_TLS_CERT_FILE: _cert, ESTOP_TEMPORAL_TLS_KEY_FILE: _key, ...bare } = mutual(made);
    expect(await reach(bare)).toBe(false);
  });

  it('is provisioned over it', async () => {
    const { address, accepted } = await front();
    await provisionTemporal({
      environment: 'test',
      address,
      security: readTemporalSecurity(mutual(made)),
      retentionDays: 1,
      patienceMs: 10_000,
      onProgress: () => undefined,
    });
    expect(accepted()).toBe(1);
  });

  it('is reached over it by every process that connects', { timeout: 60_000 }, async () => {
    const { address } = await front();
    const ledger = await makeLedger(createDatabase);
    const state = tempFolder();
    ensureKeys(join(state, 'keys'), 'test');
    addAccessToken(join(state, 'tokens.json'), 'test', 'olga', ['operator']);
    const config = join(state, 'estop.yaml');
    writeFileSync(config, 'environment: test\ntrustDomain: example.org\nagents: {}\nmodels: {}\n');
    const [port, controlPort] = [await freePort(), await freePort()];
    const shared = {
      PATH: process.env['PATH'],
      ESTOP_ENVIRONMENT: 'test',
      ESTOP_STATE: state,
      ESTOP_CONFIG: config,
      ESTOP_TEMPORAL_ADDRESS: address,
      ...mutual(made),
    };
    const start = async (name: string, file: string, env: Record<string, string>): Promise<() => string> => {
      const logFile = join(state, `${name}.log`);
      const main = join(sourceRoot, file);
      const child = await startNodeProcess({ name, main, stateFolder: state, logFile, env: { ...shared, ...env } });
      onTestFinished(() => child.stop().then(() => undefined));
      return () => readFileSync(logFile, 'utf8');
    };
    const url = `http://127.0.0.1:${port}`;
    await start('stop', 'stop/main.ts', { ESTOP_DATABASE_URL: ledger.urls.estop_stop, ESTOP_STOP_PORT: String(port) });
    const agent = await start('agent', 'workers/agent.ts', { ESTOP_WORKER_TOKEN: `estop_test_${'a'.repeat(43)}` });
    const trusted = await start('trusted', 'workers/trusted.ts', { ESTOP_DATABASE_URL: ledger.urls.estop_trusted });
    const control = await start('control', 'workers/control.ts', { ESTOP_DATABASE_URL: ledger.urls.estop_revoker });
    await start('api', 'control/main.ts', {
      ESTOP_DATABASE_URL: ledger.urls.estop_control,
      ESTOP_CONTROL_PORT: String(controlPort),
    });
    const within = { timeout: 30_000, interval: 200 };
    await vi.waitFor(async () => {
      const answer = await fetch(`${url}/readyz`);
      expect(await answer.json()).toMatchObject({ intake: 'ok' });
      const ready = await fetch(`http://127.0.0.1:${controlPort}/readyz`);
      expect(await ready.json()).toMatchObject({ temporal: 'ok' });
    }, within);
    for (const log of [agent, trusted]) await vi.waitFor(() => expect(log()).toContain('"worker.running"'), within);
    // Only a relay that has read the intake out of Temporal writes that down, and only a worker can have polled.
    await vi.waitFor(async () => {
      expect(await ledger.sql('SELECT 1 FROM estop.intake_drains')).not.toEqual([]);
      expect(control()).not.toContain('temporal.unreachable');
    }, within);
  });

  it('a direct stop of the command line takes it too, by the files that its profile names', async () => {
    const { address, accepted } = await front();
    const environment = `tls${Math.trunc(Math.random() * 1e6)}`;
    const folder = tempFolder();
    mkdirSync(join(folder, 'profiles'));
    const profile = {
      environment,
      temporalAddress: address,
      temporalTlsCaFile: made.ca,
      temporalTlsCertFile: made.clientCert,
      temporalTlsKeyFile: made.clientKey,
      temporalTlsServerName: 'temporal.test',
    };
    writeFileSync(join(folder, 'profiles', 'far.json'), JSON.stringify(profile), { mode: 0o600 });
    const order = ['stop', 'agent', 'x', '--direct', '--no-wait', '--profile', 'far'];
    const ran = await runCli(order, { env: { ESTOP_CONFIG_DIR: folder }, cwd: folder });
    expect([ran.code, ran.stderr]).toEqual([6, expect.stringContaining('accepted agent:x')]);
    expect(accepted()).toBe(1);
    const clear = await runCli(order, {
      env: { ESTOP_CONFIG_DIR: folder, ESTOP_TEMPORAL_TLS: 'no' },
      cwd: folder,
    });
    expect([clear.code, clear.stderr]).toEqual([1, expect.stringContaining('needs TLS')]);
    expect(accepted()).toBe(1);
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const client = new Client({ connection, namespace: 'estop-control' });
    await client.workflow.getHandle(`stop-intake/${environment}`).terminate();
    await connection.close();
  });

  it('an unreadable certificate keeps no stop process from coming up', { timeout: 60_000 }, async () => {
    const ledger = await makeLedger(createDatabase);
    const state = tempFolder();
    ensureKeys(join(state, 'keys'), 'test');
    addAccessToken(join(state, 'tokens.json'), 'test', 'olga', ['operator']);
    const logFile = join(state, 'stop.log');
    const port = await freePort();
    const child = await startNodeProcess({
      name: 'stop',
      main: join(sourceRoot, 'stop/main.ts'),
      stateFolder: state,
      logFile,
      env: {
        PATH: process.env['PATH'],
        ESTOP_ENVIRONMENT: 'test',
        ESTOP_STATE: state,
        ESTOP_DATABASE_URL: ledger.urls.estop_stop,
        ESTOP_STOP_PORT: String(port),
        ESTOP_TEMPORAL_ADDRESS: inject('temporalAddress'),
        ESTOP_TEMPORAL_TLS_CA_FILE: '/no/such',
      },
    });
    onTestFinished(() => child.stop().then(() => undefined));
    await vi.waitFor(
      async () =>
        expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()).toMatchObject({
          latch: 'ok',
          intake: 'down',
        }),
      { timeout: 20_000, interval: 200 },
    );
    expect(readFileSync(logFile, 'utf8')).toContain('ESTOP_TEMPORAL_TLS_CA_FILE: file /no/such');
  });

  it('an API key reaches the server from both kinds of connection', async () => {
    const { address, heard } = await startKeyListener(made);
    const path = join(tempFolder(), 'key');
    writeFileSync(path, 'canary-key\n');
    const env = {
      ESTOP_TEMPORAL_ADDRESS: address,
      ESTOP_TEMPORAL_TLS_CA_FILE: made.ca,
      ESTOP_TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
      ESTOP_TEMPORAL_API_KEY_FILE: path,
    };
    const state = tempFolder();
    ensureKeys(join(state, 'keys'), 'dev');
    const composition = compose('test', { ...env, ESTOP_STATE: state });
    const temporal = await composition.temporal();
    await expect(
      temporal.connection.withDeadline(Date.now() + 3_000, () => temporal.connection.workflowService.getSystemInfo({})),
    ).rejects.toThrow();
    await temporal.close();
    expect([...heard]).toEqual(['Bearer canary-key']);
    heard.clear();
    await expect(NativeConnection.connect({ address, ...composition.temporalSecurity() })).rejects.toThrow();
    expect([...heard]).toEqual(['Bearer canary-key']);
  });
});
