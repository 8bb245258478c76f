import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { afterAll, inject } from 'vitest';
import type { AgentSpec, EstopConfig } from '../../src/contract/config.ts';
import type { Log } from '../../src/contract/identity.ts';
import { namespaces } from '../../src/contract/names.ts';
import { type ControlServer, startControlServer } from '../../src/control/server.ts';
import { createTaskWorkflows } from '../../src/control/temporal-task-workflows.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { guardedFetch } from '../../src/runtime/guarded-fetch.ts';
import { addAccessToken, createAuthenticator } from '../../src/runtime/keys/access-tokens.ts';
import { createFlowKeys } from '../../src/runtime/keys/flow-keys.ts';
import { ensureKeys, openKeyRing } from '../../src/runtime/keys/key-ring.ts';
import { createOperatorProofs } from '../../src/runtime/keys/operator-proof.ts';
import { createSecretSealer } from '../../src/runtime/keys/secret-sealer.ts';
import { createTaskTokenSigner } from '../../src/runtime/keys/task-token.ts';
import { lazyConnection } from '../../src/runtime/lazy-connection.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { type StopServer, startStopServer } from '../../src/stop/server.ts';
import { noteStopSeen, reportFence } from '../../src/store/fence.ts';
import { openObligations } from '../../src/store/obligations.ts';
import { listUnprovedStops } from '../../src/store/relay.ts';
import { markStage, markSweep } from '../../src/store/stop-progress.ts';
import { closeTasks, coveredOpenTasks } from '../../src/store/tasks.ts';
import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { agentSpec, type Ledger, makeLedger, putAgents } from '../store/ledger.ts';

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

export interface CliRig {
  readonly ledger: Ledger;
  readonly stop: StopServer;
  readonly control: ControlServer;
  readonly tokens: Readonly<Record<'operator' | 'rita' | 'service' | 'viewer', string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly stateFolder: string;
  /** The built command line, in a process of its own, without a terminal. */
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Works stops off as the relay and its workers do where there is nothing to revoke, until it is told to end. */
  startRelay(): () => Promise<void>;
}

/** The protocol of a terminal: what must never come out of a pipe. */
export const escapes = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
export const mainPath = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Stop process and control API on free ports over a store of their own. */
export async function makeCliRig(
  agents: readonly AgentSpec[] = [agentSpec('billing-bot'), agentSpec('mail-bot')],
  more: Partial<EstopConfig> = {},
): Promise<CliRig> {
  const ledger = await makeLedger(createDatabase);
  await putAgents(ledger, agents);
  const state = tempFolder();
  ensureKeys(join(state, 'keys'), 'test');
  const tokensPath = join(state, 'tokens.json');
  const add = (actor: string, roles: Parameters<typeof addAccessToken>[3]): string =>
    addAccessToken(tokensPath, 'test', actor, roles);
  const tokens = {
    operator: add('olga', ['viewer', 'approver', 'operator', 'admin']),
    rita: add('rita', ['viewer', 'approver', 'operator', 'admin']),
    service: add('backend', ['viewer', 'service']),
    viewer: add('vera', ['viewer']),
  };
  const authenticator = createAuthenticator(tokensPath, 'test');
  const temporalAddress = inject('temporalAddress') === '' ? '127.0.0.1:1' : inject('temporalAddress');
  const stop = await startStopServer({
    environment: 'test',
    host: '127.0.0.1',
    port: 0,
    databaseUrl: ledger.urls.estop_stop,
    temporalAddress,
    authenticator,
    log: silent,
  });
  const connection = lazyConnection({ address: temporalAddress });
  const config: EstopConfig = {
    environment: 'test',
    trustDomain: 'example.org',
    agents,
    connectors: [],
    toolServers: [],
    models: [],
    ...more,
  };
  const control = await startControlServer({
    environment: 'test',
    databaseUrl: ledger.urls.estop_control,
    host: '127.0.0.1',
    port: 0,
    allowRemote: false,
    policies: readPolicyFolder(policiesFolder),
    config: { current: () => config },
    authenticator,
    signer: createTaskTokenSigner({
      ring: openKeyRing(join(state, 'keys'), 'token', 'test'),
      environment: 'test',
      trustDomain: 'example.org',
    }),
    guardedFetch,
    readSecret: () => '',
    proofs: createOperatorProofs(() => openKeyRing(join(state, 'keys'), 'proof', 'test'), 'test'),
    flowKeys: createFlowKeys(openKeyRing(join(state, 'keys'), 'flow', 'test')),
    secretSealer: createSecretSealer(openKeyRing(join(state, 'keys'), 'secret', 'test')),
    workflows: createTaskWorkflows(async () => new Client({ connection, namespace: namespaces.agents }), silent),
    log: silent,
    isConfigApplied: () => true,
    minimumLookMs: 300,
    stopUrl: stop.url,
    controlUrl: 'http://127.0.0.1',
    temporalUiUrl: undefined,
  });
  closers.push(
    () => connection.close(),
    () => stop.close(),
    () => control.close(),
  );
  const env = {
    ESTOP_CONTROL_URL: control.url,
    ESTOP_STOP_URL: stop.url,
    ESTOP_TOKEN: tokens.operator,
    ESTOP_ENVIRONMENT: 'test',
  };
  writeFileSync(
    join(state, 'connection.json'),
    JSON.stringify({
      environment: 'test',
      controlUrl: control.url,
      stopUrl: stop.url,
      token: tokens.operator,
      serviceToken: tokens.service,
      directUrl: ledger.urls.estop_latch,
      temporalAddress,
      temporalUiUrl: '',
      gatewayUrl: '',
    }),
  );
  return {
    ledger,
    stop,
    control,
    tokens,
    env,
    stateFolder: state,
    run: (args, options = {}) =>
      runCli(args, { ...options, env: { ...env, ...options.env }, cwd: options.cwd ?? state }),
    startRelay: () => startRelay(ledger),
  };
}

export function runCli(args: readonly string[], options: RunOptions): Promise<Ran> {
  return runProgram([mainPath, ...args], options);
}

/** Nothing of this machine's own settings reaches the program. */
export function runProgram(args: readonly string[], { env = {}, input = '', cwd }: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd ?? '/', ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.on('error', () => undefined).end(input);
  });
}

/** The same words inside a real terminal, made by script(1); `input` is what a person types. Nobody tells it its size, if nothing else is said. */
export function runInTerminal(
  args: readonly string[],
  { env = {}, input = '', cwd = '/', size }: RunOptions & { readonly size?: `cols ${number} rows ${number}` },
): Promise<Ran> {
  const typed = [process.execPath, mainPath, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const words = size === undefined ? typed : `stty ${size}; ${typed}`;
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qec', words, '/dev/null'], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TERM: 'xterm', ...env },
    });
    let stdout = '';
    let left = input;
    child.stdin.on('error', () => undefined); // it may be over before it has read all
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (left === '' || !/\[y\/N\] |to go on: /.test(stdout)) return;
      child.stdin.write(left);
      left = '';
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr: '' }));
  });
}

function startRelay(ledger: Ledger): () => Promise<void> {
  let isRunning = true;
  const revoker = ledger.as('estop_revoker');
  const round = async (): Promise<void> => {
    for (const { stopId } of await listUnprovedStops(revoker)) {
      await noteStopSeen(revoker, stopId);
      if (!(await reportFence(revoker, stopId, 3_000))) continue;
      await openObligations(revoker, stopId);
      const open = await coveredOpenTasks(revoker, stopId, 1_000);
      await closeTasks(
        revoker,
        open.map((task) => task.taskId),
        'stopped',
      );
      for (const stage of ['halted', 'revoked'] as const) await markStage(revoker, stopId, stage);
      for (const after of [0, 1]) await markSweep(revoker, stopId, after);
      await markStage(revoker, stopId, 'proved');
    }
  };
  const running = (async () => {
    while (isRunning) {
      await round();
      await pause(50);
    }
  })();
  return async () => {
    isRunning = false;
    await running;
  };
}

/** A port on which nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 1}`;
}
