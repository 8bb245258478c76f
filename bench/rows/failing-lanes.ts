import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FaultProxy, listen } from '../../examples/demo/fault-proxy.ts';
import { startOauthServer } from '../../examples/demo/oauth-server.ts';
import { startTargetDatabase } from '../../examples/demo/target-database.ts';
import type { StopView } from '../../src/contract/http/stops.ts';
import { namespaces } from '../../src/contract/names.ts';
import type { Bed, MoreConfig } from '../bed.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { OwnRunOptions, Row } from '../row.ts';

const healthy = ['db-1', 'db-2', 'queue', 'crm-1', 'clock'] as const;
const failing = ['db-3', 'db-4', 'crm-2'] as const;
const agentId = 'lanes-bot';
/** Two of these, and the five seconds after which strays are looked for are not over. */
const inARowMs = 2_000;

/**
 * Eight connectors on real systems; three hang. The rival is the same stop with none hanging, in turn with it. They are added to the
 * system while it runs, and taken from it again: nothing else that is measured has connectors.
 */
export const failingLanes: Row = {
  name: 'failing-lanes',
  needs: 'bed',
  setsUp: true,
  run: async (bed, options): Promise<readonly Figure[]> => {
    const targets = await startTargets();
    const tried: string[] = [];
    try {
      bed.configure(configOf(targets, bed));
      await until(() => isKnown(bed));
      const { calm, faulty } = await measured({ bed, targets, tried }, options);
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
    } finally {
      options.leave(requireProved(bed, tried).finally(() => takeAway(bed, targets)));
    }
  },
};

interface Rig {
  readonly bed: Bed;
  readonly targets: Targets;
  /** Every stop so far. */
  readonly tried: string[];
}

async function measured(
  rig: Rig,
  { quick, say, alone }: OwnRunOptions,
): Promise<{ readonly calm: readonly number[]; readonly faulty: readonly number[] }> {
  const rounds = quick ? 1 : 8;
  const [calm, faulty]: [number[], number[]] = [[], []];
  // All of them beforehand: nothing is issued while a stop is under way.
  const tasks = await startTasks(rig.bed, 1 + 2 * rounds);
  const measure = (hang: boolean): Promise<number> => slowestHealthyLane(rig, tasks.pop() ?? '', hang);
  await alone();
  const warmUpMs = await measure(false);
  // Of the one before, only the second look for strays is left, five seconds after the first: short ones in a row are over by then.
  const inARow = quick && warmUpMs <= inARowMs;
  for (let i = 0; i < rounds; i += 1) {
    if (!inARow) await untilFinal(rig);
    calm.push(await measure(false));
    if (!inARow) await untilFinal(rig);
    faulty.push(await measure(true));
    say(`slowest healthy lane: ${calm.at(-1)} ms with none hanging, ${faulty.at(-1)} ms with three`);
  }
  return { calm, faulty };
}

async function isKnown({ postgres }: Bed): Promise<boolean> {
  return (await postgres.query('SELECT FROM estop.agents WHERE agent_id = $1', [agentId])).rowCount === 1;
}

/** Each with all eight credentials. The ledger is asked, once for all of them: questions to the API would hold up what is waited for. */
async function startTasks({ service, postgres }: Bed, count: number): Promise<string[]> {
  const start = () => service.tasks.start({ agentId, prompt: 'bench' });
  const started = await Promise.all(Array.from({ length: count }, start));
  const taskIds = started.map(({ taskId }) => taskId);
  const issued = 'SELECT FROM estop.grants WHERE task_id = ANY ($1) AND issued_at IS NOT NULL';
  const wanted = count * (healthy.length + failing.length);
  await until(async () => (await postgres.query(issued, [taskIds])).rowCount === wanted);
  return taskIds;
}

/** One stop, and how long after it was sent the last healthy lane was proved. Afterwards nothing hangs. */
async function slowestHealthyLane(
  { bed: { operator }, targets: { proxies }, tried }: Rig,
  taskId: string,
  hang: boolean,
): Promise<number> {
  if (hang) await Promise.all(proxies.map((proxy) => proxy.addToxic('hang', { type: 'timeout', timeout: 0 })));
  const sentAt = Date.now();
  const { stopId } = await operator.stops.stop({ task: taskId }, { reason: 'bench' });
  tried.push(stopId);
  const provedAt = ({ lanes }: StopView): readonly number[] =>
    lanes
      .filter((lane) => healthy.some((name) => name === lane.connector) && lane.provedAt !== null)
      .map((lane) => Date.parse(lane.provedAt ?? ''));
  await until(async () => provedAt(await operator.stops.get(stopId)).length === healthy.length);
  const ms = Math.max(...provedAt(await operator.stops.get(stopId))) - sentAt;
  await Promise.all(proxies.map((proxy) => proxy.removeToxic('hang')));
  return ms;
}

async function untilFinal({ bed: { operator }, tried }: Rig): Promise<void> {
  const stopId = tried.at(-1) ?? '';
  await until(async () => (await operator.stops.get(stopId)).lanes.every(({ final }) => final));
}

async function requireProved({ operator }: Bed, stopIds: readonly string[]): Promise<void> {
  for (const stopId of stopIds) {
    const view = await operator.stops.wait(stopId, 'proved', { timeoutMs: 90_000 });
    if (view.obligations.proved !== healthy.length + failing.length)
      throw new Error('not everything was proved after the systems answered again');
  }
}

async function takeAway(bed: Bed, targets: Targets): Promise<void> {
  bed.configure({ agents: {}, connectors: {} });
  await targets.stop();
}

async function until(look: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await look())) {
    if (Date.now() > giveUpAt) throw new Error('the lanes did not get where they should within a minute');
    await sleep(50);
  }
}

type Issuer = Awaited<ReturnType<typeof startOauthServer>>;

interface Targets {
  /** Of the database, past everything, and through each of its proxies. */
  readonly databaseUrls: readonly [string, string, string];
  readonly issuers: readonly [Issuer, Issuer];
  /** In front of what shall hang. */
  readonly proxies: readonly FaultProxy[];
  stop(): Promise<void>;
}

async function startTargets(): Promise<Targets> {
  const folder = mkdtempSync(join(tmpdir(), 'estop-bench-lanes-'));
  const [database, first, bare] = await Promise.all([
    startTargetDatabase(folder),
    startOauthServer(),
    startOauthServer(),
  ]);
  const [third, fourth] = [await listen(database.server), await listen(database.server)];
  const oauthProxy = await listen({ host: '127.0.0.1', port: bare.port });
  await bare.stop();
  const second = await startOauthServer({ port: bare.port, issuer: `http://127.0.0.1:${oauthProxy.port}` });
  const through = (proxy: FaultProxy): string =>
    database.adminUrl.replace(`:${database.server.port}/`, `:${proxy.port}/`);
  return {
    databaseUrls: [database.adminUrl, through(third), through(fourth)],
    issuers: [first, second],
    proxies: [third, fourth, oauthProxy],
    stop: async () => {
      await Promise.allSettled([first.stop(), second.stop(), oauthProxy.close(), third.close(), fourth.close()]);
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Secrets lie in files: the environment of processes that run does not change. */
function configOf({ databaseUrls, issuers }: Targets, { folder, installation }: Bed): MoreConfig {
  const secret = (name: string, value: string): object => {
    writeFileSync(join(folder, name), value, { mode: 0o600 });
    return { file: name };
  };
  const adminUrls = databaseUrls.map((url, index) => secret(`database-${index}`, url));
  const postgres = (index: 0 | 1 | 2): object => ({
    system: 'postgres',
    adminUrl: adminUrls[index],
    sslmode: 'disable',
    network: 'loopback',
    controlMemberOf: ['billing_clerk'],
  });
  const oauth = (index: 0 | 1): object => ({
    system: 'oauth',
    issuer: issuers[index].issuer,
    network: 'loopback',
    initialAccessToken: secret(`initial-${index}`, issuers[index].initialAccessToken),
    control: {
      clientId: issuers[index].controlClient.clientId,
      clientSecret: secret(`control-${index}`, issuers[index].controlClient.clientSecret),
    },
    resourceUrl: issuers[index].resourceUrl,
  });
  const optionsOf = (connector: string): object => {
    if (connector.startsWith('db-')) return { memberOf: ['billing_clerk'] };
    return connector === 'clock' ? { workflowType: 'wakeUp', taskQueue: 'nobody-listens', everySeconds: 60 } : {};
  };
  const { temporalAddress } = installation.profile;
  return {
    agents: {
      [agentId]: {
        owner: 'ada@example.com',
        stopHolder: 'grace@example.com',
        model: 'waits',
        grants: [...healthy, ...failing].map((name) => ({ name, connector: name, options: optionsOf(name) })),
      },
    },
    connectors: {
      'db-1': postgres(0),
      'db-2': postgres(0),
      'db-3': postgres(1),
      'db-4': postgres(2),
      queue: { system: 'pg-boss', adminUrl: adminUrls[0], sslmode: 'disable', network: 'loopback' },
      'crm-1': oauth(0),
      'crm-2': oauth(1),
      clock: { system: 'temporal', address: temporalAddress, namespace: namespaces.agents, network: 'loopback' },
    },
  };
}
