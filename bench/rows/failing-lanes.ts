import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { type FaultProxy, listen } from '../../examples/demo/fault-proxy.ts';
import { startOauthServer } from '../../examples/demo/oauth-server.ts';
import { type ScriptedModel, startScriptedModel } from '../../examples/demo/scripted-model.ts';
import { startTargetDatabase } from '../../examples/demo/target-database.ts';
import type { StopView } from '../../src/contract/http/stops.ts';
import { type Installation, startInstallation } from '../../src/runtime/installation/installation.ts';
import { createEstop, type Estop } from '../../src/sdk/estop.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

const healthy = ['db-1', 'db-2', 'queue', 'crm-1', 'clock'] as const;
const failing = ['db-3', 'db-4', 'crm-2'] as const;

/** Eight connectors on real systems; three hang. The rival is the same stop with none hanging, in turn with it. */
export const failingLanes: Row = {
  name: 'failing-lanes',
  needs: 'nothing',
  run: async ({ quick, say, alone, leave }): Promise<readonly Figure[]> => {
    const rounds = quick ? 1 : 8;
    const rig = await startRig();
    const [calm, faulty]: [number[], number[]] = [[], []];
    const tried: string[] = [];
    try {
      // All of them beforehand: nothing is issued while a stop is under way.
      const tasks = await Promise.all(Array.from({ length: 1 + 2 * rounds }, () => startTask(rig)));
      const measure = async (hang: boolean): Promise<number> => {
        const { ms, stopId } = await slowestHealthyLane(rig, tasks.pop() ?? '', hang);
        tried.push(stopId);
        return ms;
      };
      await alone();
      await measure(false); // warm-up
      for (let i = 0; i < rounds; i += 1) {
        await untilFinal(rig, tried.at(-1));
        calm.push(await measure(false));
        await untilFinal(rig, tried.at(-1));
        faulty.push(await measure(true));
        say(`slowest healthy lane: ${calm.at(-1)} ms with none hanging, ${faulty.at(-1)} ms with three`);
      }
    } finally {
      leave(requireProved(rig, tried).finally(() => rig.stop()));
    }
    const [value, rival] = [percentile(faulty, 50), percentile(calm, 50)];
    return [
      figure({
        name: '8 connectors, 3 hanging: healthy lanes proved',
        value,
        unit: 'ms',
        rival,
        rivalName: 'the same stop with none hanging',
        bar: '<= rival + 250 ms',
        holds: () => value <= rival + 250,
      }),
    ];
  },
};

interface Rig {
  readonly installation: Installation;
  readonly service: Estop;
  readonly operator: Estop;
  readonly proxies: readonly FaultProxy[];
  stop(): Promise<void>;
}

/** With all eight credentials. */
async function startTask({ service }: Rig): Promise<string> {
  const { taskId } = await service.tasks.start({ agentId: 'lanes-bot', prompt: 'bench' });
  await until(async () => {
    const { entries } = await service.tasks.history(taskId);
    return entries.filter((entry) => entry.kind === 'grant.issued').length === healthy.length + failing.length;
  });
  return taskId;
}

/** One stop, and how long after it was sent the last healthy lane was proved. Afterwards nothing hangs. */
async function slowestHealthyLane(
  { operator, proxies }: Rig,
  taskId: string,
  hang: boolean,
): Promise<{ readonly ms: number; readonly stopId: string }> {
  if (hang) await Promise.all(proxies.map((proxy) => proxy.addToxic('hang', { type: 'timeout', timeout: 0 })));
  const sentAt = Date.now();
  const { stopId } = await operator.stops.stop({ task: taskId }, { reason: 'bench' });
  const provedAt = ({ lanes }: StopView): readonly number[] =>
    lanes
      .filter((lane) => healthy.some((name) => name === lane.connector) && lane.provedAt !== null)
      .map((lane) => Date.parse(lane.provedAt ?? ''));
  await until(async () => provedAt(await operator.stops.get(stopId)).length === healthy.length);
  const ms = Math.max(...provedAt(await operator.stops.get(stopId))) - sentAt;
  await Promise.all(proxies.map((proxy) => proxy.removeToxic('hang')));
  return { ms, stopId };
}

/** Nothing but the second look for strays is left of it, five seconds after the first. */
async function untilFinal({ operator }: Rig, stopId = ''): Promise<void> {
  await until(async () => (await operator.stops.get(stopId)).lanes.every(({ final }) => final));
}

async function requireProved({ operator }: Rig, stopIds: readonly string[]): Promise<void> {
  for (const stopId of stopIds) {
    const view = await operator.stops.wait(stopId, 'proved', { timeoutMs: 90_000 });
    if (view.obligations.proved !== healthy.length + failing.length)
      throw new Error('not everything was proved after the systems answered again');
  }
}

async function until(look: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await look())) {
    if (Date.now() > giveUpAt) throw new Error('the lanes did not get where they should within a minute');
    await sleep(50);
  }
}

async function startRig(): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'estop-bench-lanes-'));
  const [database, model, first, bare] = await Promise.all([
    startTargetDatabase(folder),
    startScriptedModel({ scripts: { waits: [{ hang: true }] } }),
    startOauthServer(),
    startOauthServer(),
  ]);
  const databaseProxies = [await listen(database.server), await listen(database.server)];
  const oauthProxy = await listen({ host: '127.0.0.1', port: bare.port });
  await bare.stop();
  const second = await startOauthServer({ port: bare.port, issuer: `http://127.0.0.1:${oauthProxy.port}` });
  const configPath = join(folder, 'estop.yaml');
  const through = (proxy: FaultProxy | undefined): string =>
    database.adminUrl.replace(`:${database.server.port}/`, `:${proxy?.port ?? 0}/`);
  const installation = await startInstallation({
    stateFolder: join(folder, 'estop'),
    configPath,
    environment: 'bench',
    onServersUp: ({ temporalAddress }) =>
      writeFileSync(configPath, stringify(configOf({ issuers: [first, second], model, temporalAddress }))),
    env: {
      MODEL_KEY: 'scripted',
      DB_URL: database.adminUrl,
      DB_URL_3: through(databaseProxies[0]),
      DB_URL_4: through(databaseProxies[1]),
      OAUTH_INITIAL_TOKEN: first.initialAccessToken,
      OAUTH_CONTROL_SECRET: first.controlClient.clientSecret,
    },
  });
  const { profile } = installation;
  const connect = (token: string): Estop =>
    createEstop({ controlUrl: profile.controlUrl, stopUrl: profile.stopUrl, token });
  return {
    installation,
    service: connect(profile.serviceToken),
    operator: connect(profile.token),
    proxies: [...databaseProxies, oauthProxy],
    stop: async () => {
      await installation.stop();
      await Promise.allSettled([
        first.stop(),
        second.stop(),
        model.stop(),
        oauthProxy.close(),
        ...databaseProxies.map((proxy) => proxy.close()),
      ]);
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Places {
  readonly issuers: readonly Awaited<ReturnType<typeof startOauthServer>>[];
  readonly model: ScriptedModel;
  readonly temporalAddress: string;
}

function configOf({ issuers, model, temporalAddress }: Places): object {
  const postgres = (variable: string): object => ({
    system: 'postgres',
    adminUrl: { env: variable },
    sslmode: 'disable',
    network: 'loopback',
    controlMemberOf: ['billing_clerk'],
  });
  const oauth = (index: number): object => ({
    system: 'oauth',
    issuer: issuers[index]?.issuer,
    network: 'loopback',
    initialAccessToken: { env: 'OAUTH_INITIAL_TOKEN' },
    control: { clientId: issuers[index]?.controlClient.clientId, clientSecret: { env: 'OAUTH_CONTROL_SECRET' } },
    resourceUrl: issuers[index]?.resourceUrl,
  });
  const optionsOf = (connector: string): object => {
    if (connector.startsWith('db-')) return { memberOf: ['billing_clerk'] };
    return connector === 'clock' ? { workflowType: 'wakeUp', taskQueue: 'nobody-listens', everySeconds: 60 } : {};
  };
  return {
    environment: 'bench',
    agents: {
      'lanes-bot': {
        owner: 'ada@example.com',
        stopHolder: 'grace@example.com',
        model: 'waits',
        grants: [...healthy, ...failing].map((connector) => ({
          name: connector,
          connector,
          options: optionsOf(connector),
        })),
      },
    },
    connectors: {
      'db-1': postgres('DB_URL'),
      'db-2': postgres('DB_URL'),
      'db-3': postgres('DB_URL_3'),
      'db-4': postgres('DB_URL_4'),
      queue: { system: 'pg-boss', adminUrl: { env: 'DB_URL' }, sslmode: 'disable', network: 'loopback' },
      'crm-1': oauth(0),
      'crm-2': oauth(1),
      clock: { system: 'temporal', address: temporalAddress, namespace: 'estop-agents', network: 'loopback' },
    },
    models: {
      waits: {
        provider: 'openai-compatible',
        model: 'waits',
        baseUrl: model.baseUrl,
        apiKey: { env: 'MODEL_KEY' },
        network: 'loopback',
        price: { input: 0, output: 0 },
      },
    },
  };
}
