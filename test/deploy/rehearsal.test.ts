import { readFileSync } from 'node:fs';
import { type OutgoingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { parse } from 'yaml';
import { namespaces, queues, searchAttributes } from '../../src/contract/names.ts';
import { bareEnvironment } from '../../src/runtime/local/bare-environment.ts';
import { startChild } from '../../src/runtime/local/child-process.ts';
import { freePorts } from '../../src/runtime/local/free-port.ts';
import { type PostgresServer, startPostgres } from '../../src/runtime/local/postgres-server.ts';
import { searchAttributeTypes } from '../../src/runtime/local/temporal-server.ts';
import type { Program } from '../kit/program.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { makeSecrets, readComposition, readText } from './composition.ts';
import { isHealthy, run, type Stage } from './rehearsed.ts';

const patience = { timeout: 120_000, interval: 500 };
const compose = readComposition();
const workers = ['trusted-worker', 'control-worker', 'agent-worker'];
const figures = ['stop', 'control', 'gateway-1', 'gateway-2', ...workers];

/**
 * What docker-compose.yml starts, started without Docker: every service of ours by its own command with its own variables and its
 * own secrets, against a PostgreSQL and a Temporal that know nothing of estop before. What stays untried: images, networks, users.
 */
requires('temporal')('docker-compose.yml, rehearsed without Docker', () => {
  const folder = tempFolder();
  const secretsFolder = join(folder, 'secrets');
  const started = new Map<string, Program>();
  let postgres: PostgresServer;
  let stage: Stage;
  let temporalPort = 0;
  let stopTemporal = async (): Promise<void> => undefined;
  const secret = (name: string): string => readFileSync(join(secretsFolder, name), 'utf8').trim();
  const start = (...names: readonly string[]): void => {
    for (const name of names) started.set(name, run(stage, name));
  };
  const finish = async (name: string) => (await run(stage, name).exited).code;

  beforeAll(async () => {
    const settings = storeSettings();
    postgres = await startPostgres({ folder, name: 'store', settings });
    await makeSecrets(secretsFolder, '--store', `127.0.0.1:${postgres.port}`);
    const superuser = new Client({ connectionString: postgres.url('postgres') });
    await superuser.connect();
    // In a container the server itself is made with this one.
    await superuser.query(`ALTER ROLE postgres PASSWORD '${secret('store_superuser_password')}'`);
    await superuser.end();
    const ports = await freePorts(Array(5 + figures.length + workers.length).fill(undefined));
    const [temporal = 0, stop = 0, control = 0, gateway1 = 0, gateway2 = 0, ...ofFigures] = ports;
    temporalPort = temporal;
    stage = {
      compose,
      secretsFolder,
      rootsFolder: join(folder, 'roots'),
      addresses: {
        'temporal:7233': `127.0.0.1:${temporal}`,
        'control:7701': `127.0.0.1:${control}`,
        'gateway:7702': `127.0.0.1:${gateway1}`,
        '127.0.0.1:7700': `127.0.0.1:${stop}`,
        '127.0.0.1:7701': `127.0.0.1:${control}`,
        '127.0.0.1:7702': `127.0.0.1:${gateway1}`,
        ...Object.fromEntries(figures.map((name, index) => [`${name}-figures:9464`, `127.0.0.1:${ofFigures[index]}`])),
      },
      portsOf: {
        'stop': { ESTOP_STOP_PORT: String(stop) },
        'control': { ESTOP_CONTROL_PORT: String(control) },
        'gateway-1': { ESTOP_GATEWAY_PORT: String(gateway1) },
        'gateway-2': { ESTOP_GATEWAY_PORT: String(gateway2) },
        ...Object.fromEntries(
          workers.map((name, index) => [
            name,
            { ESTOP_TEMPORAL_METRICS: `127.0.0.1:${ofFigures[figures.length + index]}` },
          ]),
        ),
      },
    };
  }, 120_000);
  afterAll(async () => {
    await Promise.all([...started.values()].map((program) => program.kill('SIGTERM')));
    await stopTemporal();
    await postgres.stop();
  }, 60_000);

  it('provisions an empty store from the URL files of its roles, and again without a change', async () => {
    expect(await finish('provision-store')).toBe(0);
    expect(await finish('provision-store')).toBe(0);
    for (const role of [
      'estop_stop',
      'estop_control',
      'estop_gateway',
      'estop_trusted',
      'estop_revoker',
      'estop_latch',
    ]) {
      const client = new Client({ connectionString: secret(`${role}_url`) });
      await client.connect();
      const { rows } = await client.query<{ who: string }>('SELECT current_user AS who');
      await client.end();
      expect(rows).toEqual([{ who: role }]);
    }
  });

  it('starts the stop process and latches a stop while there is no Temporal', async () => {
    start('stop');
    await vi.waitFor(async () => expect(await isHealthy(stage, 'stop')).toBe(true), patience);
    const port = stage.portsOf['stop']?.['ESTOP_STOP_PORT'];
    const answer = await fetch(`http://127.0.0.1:${port}/v1/stops`, {
      method: 'POST',
      headers: { 'authorization': `Bearer ${secret('operator_token')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ scopeKey: 'label:rehearsal=yes', reason: 'a rehearsal' }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([200, { state: 'latched' }]);
  }, 180_000);

  it('provisions a Temporal that knows nothing of estop, and again without a change', async () => {
    const early = run(stage, 'provision-temporal');
    stopTemporal = await startBareTemporal(folder, temporalPort);
    expect((await early.exited).code).toBe(0);
    expect(await finish('provision-temporal')).toBe(0);
    const connection = await Connection.connect({ address: `127.0.0.1:${temporalPort}` });
    for (const namespace of Object.values(namespaces)) {
      const { config, namespaceInfo } = await connection.workflowService.describeNamespace({ namespace });
      expect(namespaceInfo?.data).toMatchObject({ 'estop-environment': 'prod' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(Object.keys(searchAttributeTypes)));
    }
    await connection.close();
  }, 180_000);

  it('refuses a search attribute that somebody has made of another kind', async () => {
    const connection = await Connection.connect({ address: `127.0.0.1:${temporalPort}` });
    const [namespace, name] = [namespaces.control, searchAttributes.epoch];
    const remake = async (type: 2 | 3): Promise<void> => {
      await connection.operatorService.removeSearchAttributes({ namespace, searchAttributes: [name] });
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: { [name]: type } });
    };
    await remake(2);
    const { code, stderr } = await run(stage, 'provision-temporal').exited;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/EstopEpoch that is no Int/)]);
    await remake(3);
    await connection.close();
    expect(await finish('provision-temporal')).toBe(0);
  }, 180_000);

  it('refuses a Temporal of another environment: its workers would take each other’s tasks, and a sweep end them', async () => {
    const connection = await Connection.connect({ address: `127.0.0.1:${temporalPort}` });
    const belongsTo = async (environment: string): Promise<void> => {
      for (const namespace of Object.values(namespaces)) {
        const updateInfo = { data: { 'estop-environment': environment } };
        await connection.workflowService.updateNamespace({ namespace, updateInfo });
      }
    };
    await belongsTo('staging');
    const foreign = expect.stringMatching(
      /belongs to environment staging: give environment prod a Temporal of its own/,
    );
    for (const name of ['provision-temporal', 'agent-worker', 'trusted-worker']) {
      const { code, stderr } = await run(stage, name).exited;
      expect([name, code, stderr]).toEqual([name, 1, foreign]);
    }
    const control = run(stage, 'control-worker');
    await vi.waitFor(() => expect(control.stderr()).toEqual(foreign), patience);
    await control.kill('SIGTERM');
    await belongsTo('prod');
    await connection.close();
    expect(await finish('provision-temporal')).toBe(0);
  }, 180_000);

  it('brings up every process with what it is given and no more, each healthy by its own check', async () => {
    start('control', 'gateway-1', 'gateway-2', 'trusted-worker', 'control-worker', 'agent-worker');
    for (const name of ['stop', 'control', 'gateway-1', 'gateway-2']) {
      await vi.waitFor(async () => expect(await isHealthy(stage, name), name).toBe(true), patience);
    }
    const connection = await Connection.connect({ address: `127.0.0.1:${temporalPort}` });
    const polled = async (namespace: string, taskQueue: string): Promise<number> => {
      const request = { namespace, taskQueue: { name: taskQueue }, taskQueueType: 2 as const };
      return (await connection.workflowService.describeTaskQueue(request)).pollers?.length ?? 0;
    };
    await vi.waitFor(async () => {
      expect(await polled(namespaces.agents, queues.agent)).toBeGreaterThan(0);
      expect(await polled(namespaces.agents, queues.trusted)).toBeGreaterThan(0);
      expect(await polled(namespaces.control, queues.control)).toBeGreaterThan(0);
    }, patience);
    await connection.close();
  }, 360_000);

  it('is known to a browser by the address outside, to other services by the name inside, and by no other', async () => {
    const [control, gateway] = [stage.addresses['127.0.0.1:7701'] ?? '', stage.addresses['127.0.0.1:7702'] ?? ''];
    for (const [address, path, inside] of [
      [control, '/v1/tasks', 'control:7701'],
      [gateway, '/mcp', 'gateway:7702'],
    ] as const) {
      // Nobody in particular asks: 401 is behind the door, 403 in front of it.
      expect(await statusOf(address, path, { origin: `http://${address}` })).toBe(401);
      expect(await statusOf(address, path, { host: inside })).toBe(401);
      expect(await statusOf(address, path, { host: 'elsewhere.example' })).toBe(403);
      expect(await statusOf(address, path, { origin: 'http://elsewhere.example' })).toBe(403);
    }
    const told = await fetch(`http://${gateway}/.well-known/oauth-protected-resource/mcp`);
    expect(await told.json()).toMatchObject({ authorization_servers: [`http://${control}`] });
  });

  it.each(figures)('shows the figures of %s where they are looked for', async (name) => {
    const looked = [stage.addresses[`${name}-figures:9464`], stage.portsOf[name]?.['ESTOP_TEMPORAL_METRICS']];
    for (const address of looked.filter((one) => one !== undefined))
      await vi.waitFor(async () => {
        const page = await (await fetch(`http://${address}/metrics`)).text();
        expect(page).toMatch(/^(?:nodejs_eventloop_lag_p99_seconds|temporal_)/m);
      }, patience);
  });

  it('works off the stop of before, to the end', async () => {
    const port = stage.portsOf['control']?.['ESTOP_CONTROL_PORT'];
    const newest = async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/stops`, {
        headers: { authorization: `Bearer ${secret('operator_token')}` },
      });
      const { items } = (await answer.json()) as { items: { scopeKey: string; reached: string }[] }; // StopPage of the contract
      return items[0];
    };
    await vi.waitFor(
      async () => expect(await newest()).toMatchObject({ scopeKey: 'label:rehearsal=yes', reached: 'proved' }),
      patience,
    );
  }, 180_000);
});

/** `fetch` lets nobody choose the Host. */
function statusOf(address: string, path: string, headers: OutgoingHttpHeaders): Promise<number | undefined> {
  const all = { 'content-type': 'application/json', 'accept': 'application/json, text/event-stream', ...headers };
  return new Promise((resolve, reject) => {
    const method = path === '/mcp' ? 'POST' : 'GET';
    const sent = request(`http://${address}${path}`, { method, headers: all }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.once('error', reject);
    sent.end(method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' : undefined);
  });
}

/** As its container's command says it. */
function storeSettings(): Readonly<Record<string, string>> {
  const words = compose.services['store']?.command ?? [];
  return Object.fromEntries(
    words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]),
  ); // a word with one '='
}

/** A dev server with the dynamic configuration of the deployment, and neither our namespaces nor our search attributes. */
async function startBareTemporal(folder: string, port: number): Promise<() => Promise<void>> {
  const file = parse(readText('deploy/temporal/dynamicconfig.yaml')) as Record<string, readonly { value: unknown }[]>; // a mapping of lists, as the server wants it
  const values = Object.entries(file).flatMap(([key, [first]]) => [
    '--dynamic-config-value',
    `${key}=${String(first?.value)}`,
  ]);
  const [http = 0, metrics = 0] = await freePorts([undefined, undefined]);
  const ports = ['--port', port, '--http-port', http, '--metrics-port', metrics].map(String);
  const args = ['server', 'start-dev', '--headless', '--ip', '127.0.0.1', '--log-level', 'error', ...ports, ...values];
  const child = await startChild({
    name: 'temporal',
    command: inject('temporalBinary'),
    args,
    stateFolder: folder,
    logFile: join(folder, 'temporal.log'),
    cwd: folder,
    env: bareEnvironment(),
    // It keeps everything in memory: there is nothing to put away.
    graceMs: 0,
  });
  return async () => void (await child.stop());
}
