import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EstopError } from '../../core/errors.ts';
import { provisionStore, storeRoles } from '../../store/provision.ts';
import { loadConfigOrThrow } from '../config/load-config.ts';
import { endOrphans } from '../local/child-process.ts';
import { freePorts } from '../local/free-port.ts';
import { type PostgresServer, startPostgres } from '../local/postgres-server.ts';
import { claimStateFolder, writeOwnerOnly } from '../local/state-folder.ts';
import { startTemporal, type TemporalServer } from '../local/temporal-server.ts';
import { claimNamespaces } from '../namespace-owner.ts';
import { sourceExtension, sourceRoot } from '../package-root.ts';
import type { ConnectionProfile } from './connection-profile.ts';
import { ensureLocalSecrets } from './local-secrets.ts';
import { readRememberedPorts, rememberPorts } from './remembered-ports.ts';
import { type SupervisedProcess, settingsIn, superviseProcess } from './supervised-process.ts';

/** In the order in which they start; they end in the opposite one, so that a stop can be ordered first and last. */
export const processNames = ['stop', 'control', 'gateway', 'trusted-worker', 'control-worker', 'agent-worker'] as const;
export type ProcessName = (typeof processNames)[number];
const workerNames = ['trusted-worker', 'control-worker', 'agent-worker'] as const satisfies readonly ProcessName[];

const mains: Readonly<Record<ProcessName, string>> = {
  stop: 'stop/main',
  control: 'control/main',
  gateway: 'gateway/main',
  'trusted-worker': 'workers/trusted',
  'control-worker': 'workers/control',
  'agent-worker': 'workers/agent',
};
/** In MB: what is made and soon forgotten may pile up to about three times that. Only the gateway makes much; see src/gateway/bounded-heap.ts. */
const youngSpaceOf = (name: ProcessName): number => (name === 'gateway' ? 16 : 4);
const roleOf = {
  stop: 'estop_stop',
  control: 'estop_control',
  gateway: 'estop_gateway',
  'trusted-worker': 'estop_trusted',
  'control-worker': 'estop_revoker',
} as const;

export interface InstallationOptions {
  readonly stateFolder: string;
  readonly configPath: string;
  /** Called between the servers and the processes, for a configuration that depends on where the servers are. */
  readonly onServersUp?: (servers: { readonly temporalAddress: string }) => void;
  /** Default: that of estop.yaml, which must then exist before the servers do. */
  readonly environment?: string;
  /** Off where a test kills processes on purpose. */
  readonly restart?: boolean;
  readonly onProgress?: (line: string) => void;
  /** More variables for every process, for example secrets that estop.yaml refers to. */
  readonly env?: Readonly<Record<string, string>>;
  readonly envOf?: Partial<Record<ProcessName, Readonly<Record<string, string>>>>;
  readonly temporalDatabase?: 'file' | 'memory';
  readonly without?: readonly ProcessName[];
  /** Another program in place of one of ours: how the demo and tests sabotage a part without a switch in the product. */
  readonly mainOf?: Partial<Record<ProcessName, string>>;
}

export interface Installation {
  readonly profile: ConnectionProfile;
  readonly profilePath: string;
  readonly stateFolder: string;
  readonly temporal: TemporalServer;
  readonly postgres: PostgresServer;
  readonly storeUrls: Readonly<Record<string, string>>;
  readonly processes: ReadonlyMap<ProcessName, SupervisedProcess>;
  stop(): Promise<void>;
}

/** The whole system on this machine: real servers, real processes, one folder of state. */
export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const progress = options.onProgress ?? (() => undefined);
  const configPath = resolve(options.configPath);
  const environment = options.environment ?? loadConfigOrThrow(configPath).environment;
  const folder = claimStateFolder(options.stateFolder);
  const undo: (() => Promise<unknown> | void)[] = [() => folder.release()];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const secrets = ensureLocalSecrets(folder, environment, storeRoles);
    const [postgres, temporal] = await startServers(folder.path, options, undo);
    // After the servers, which take over their own orphans: what is left now belongs to nobody.
    const orphans = await endOrphans(folder.path);
    if (orphans.length > 0) progress(`ended what an earlier run left behind: ${orphans.join(', ')}`);
    options.onServersUp?.({ temporalAddress: temporal.address });
    loadConfigOrThrow(configPath);
    progress(`PostgreSQL ${postgres.majorVersion} on port ${postgres.port}, Temporal on ${temporal.address}`);
    const [storeUrls] = await Promise.all([
      provisionStore({
        superuserUrl: postgres.url('postgres'),
        database: `estop_${environment}`,
        environment,
        passwords: secrets.passwords,
      }),
      claimNamespaces(temporal.address, environment),
    ]);
    const ports = await freePorts(readRememberedPorts(folder, 3 + processNames.length + workerNames.length));
    rememberPorts(folder, ports);
    const [stopPort = 0, controlPort = 0, gatewayPort = 0, ...figurePorts] = ports;
    const shown = whereFiguresAre(figurePorts);
    const profile: ConnectionProfile = {
      environment,
      stopUrl: `http://127.0.0.1:${stopPort}`,
      controlUrl: `http://127.0.0.1:${controlPort}`,
      gatewayUrl: `http://127.0.0.1:${gatewayPort}`,
      temporalAddress: temporal.address,
      temporalUiUrl: temporal.uiUrl,
      token: secrets.tokens.operator,
      serviceToken: secrets.tokens.service,
      directUrl: storeUrls['estop_latch'] ?? '',
      metricsUrls: shown.urls,
    };
    const env = {
      ...options.env,
      ESTOP_ENVIRONMENT: environment,
      ESTOP_STATE: folder.path,
      ESTOP_CONFIG: configPath,
      ESTOP_TEMPORAL_ADDRESS: temporal.address,
      ESTOP_STOP_URL: profile.stopUrl,
      ESTOP_CONTROL_URL: profile.controlUrl,
      ESTOP_GATEWAY_URL: profile.gatewayUrl,
      ESTOP_STOP_PORT: String(stopPort),
      ESTOP_CONTROL_PORT: String(controlPort),
      ESTOP_GATEWAY_PORT: String(gatewayPort),
      ESTOP_GATEWAY_STATE: join(folder.path, 'gateway'),
      ...(temporal.uiUrl === '' ? {} : { ESTOP_TEMPORAL_UI_URL: temporal.uiUrl }),
    };
    const processes = new Map<ProcessName, SupervisedProcess>();
    for (const name of processNames.filter((candidate) => options.without?.includes(candidate) !== true)) {
      const process = await superviseProcess(
        {
          name,
          main: options.mainOf?.[name] ?? join(sourceRoot, `${mains[name]}${sourceExtension}`),
          flags: [`--max-semi-space-size=${youngSpaceOf(name)}`],
          stateFolder: folder.path,
          logFile: join(folder.folder('logs'), `${name}.log`),
          env: {
            ...(runsAgentCode(name) ? settingsIn(env) : env),
            ...own(name, storeUrls, secrets.tokens.worker),
            ...shown.env(name),
            ...options.envOf?.[name],
          },
          bare: runsAgentCode(name),
        },
        options.restart ?? true,
        progress,
      );
      processes.set(name, process);
      undo.push(() => process.stop());
    }
    const up = untilUpOrFailed(processes);
    await Promise.all([
      ...(processes.has('stop') ? [up(profile.stopUrl, '/livez')] : []),
      ...(processes.has('control') ? [up(profile.controlUrl, '/readyz')] : []),
      ...(processes.has('gateway') ? [up(profile.gatewayUrl, '/readyz')] : []),
    ]);
    const profilePath = folder.file('connection.json');
    writeOwnerOnly(profilePath, `${JSON.stringify(profile, null, 2)}\n`);
    return { profile, profilePath, stateFolder: folder.path, temporal, postgres, storeUrls, processes, stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

/** Every process shows its figures on this machine, and workers those of Temporal's SDK beside them. */
function whereFiguresAre(ports: readonly number[]) {
  const bindOf = (index: number): string => `127.0.0.1:${ports[index] ?? 0}`;
  const sdkBind = (name: ProcessName): string | undefined => {
    const index = workerNames.findIndex((worker) => worker === name);
    return index < 0 ? undefined : bindOf(processNames.length + index);
  };
  const env = (name: ProcessName): Readonly<Record<string, string>> => {
    const sdk = sdkBind(name);
    return {
      ESTOP_METRICS: bindOf(processNames.indexOf(name)),
      ...(sdk === undefined ? {} : { ESTOP_TEMPORAL_METRICS: sdk }),
    };
  };
  const urls = processNames.flatMap((name) => {
    const sdk = sdkBind(name);
    const own = [name, `http://${env(name)['ESTOP_METRICS']}/metrics`] as const;
    return sdk === undefined ? [own] : [own, [`${name}/sdk`, `http://${sdk}/metrics`] as const];
  });
  return { env, urls: Object.fromEntries(urls) };
}

/** Models and tools are reached through the gateway: no secret of theirs is any business of the process that runs agent code. */
const runsAgentCode = (name: ProcessName): boolean => name === 'agent-worker';

async function startServers(
  folder: string,
  options: InstallationOptions,
  undo: (() => Promise<unknown> | void)[],
): Promise<[PostgresServer, TemporalServer]> {
  const progress = options.onProgress ?? (() => undefined);
  const temporal = startTemporal({
    stateFolder: folder,
    onProgress: progress,
    database: options.temporalDatabase ?? 'file',
  }).then((server) => {
    undo.push(() => server.stop());
    return server;
  });
  const postgres = startPostgres({ folder, name: 'store', settings: { max_connections: 120 } }).then((server) => {
    undo.push(() => server.stop());
    return server;
  });
  // Both are awaited, so that a failure of one leaves no other running unnoticed.
  const [first, second] = await Promise.allSettled([postgres, temporal]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

function own(
  name: ProcessName,
  storeUrls: Readonly<Record<string, string>>,
  workerToken: string,
): Readonly<Record<string, string>> {
  if (name === 'agent-worker') return { ESTOP_WORKER_TOKEN: workerToken };
  return { ESTOP_DATABASE_URL: storeUrls[roleOf[name]] ?? '' };
}

/** A process that cannot start is told at once, with where to look, instead of being waited for. */
const untilUpOrFailed =
  (processes: ReadonlyMap<ProcessName, SupervisedProcess>) =>
  async (url: string, path: string): Promise<void> => {
    const giveUpAt = Date.now() + 60_000;
    let last = 'no answer';
    while (Date.now() < giveUpAt) {
      for (const [name, process] of processes) {
        if (process.failures() >= 2)
          throw new EstopError('part-failed', { detail: `${name} does not start:\n${process.lastWords()}` });
      }
      try {
        const response = await fetch(`${url}${path}`, { signal: AbortSignal.timeout(2_000) });
        if (response.ok) return;
        last = `HTTP ${response.status}`;
      } catch {
        last = 'no connection';
      }
      await sleep(50);
    }
    throw new EstopError('part-failed', { detail: `${url}${path} is not ready: ${last}` });
  };
