import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namespaces, searchAttributes } from '../../contract/names.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { bareEnvironment } from './bare-environment.ts';
import { type ChildProcess, endPredecessor, startChild } from './child-process.ts';
import { freePorts } from './free-port.ts';
import { untilReady } from './readiness.ts';
import { makeOwnerOnlyFolder, writeOwnerOnly } from './state-folder.ts';
import { findTemporalBinary } from './temporal-binary.ts';
import { probeTemporal } from './temporal-probe.ts';

export interface TemporalOptions {
  /** The state folder; database, log and ports live in its subfolder `temporal`. */
  readonly stateFolder: string;
  /** 'file' (default) survives a restart; 'memory' is faster, for tests. */
  readonly database?: 'file' | 'memory';
  /** Off for tests. */
  readonly ui?: boolean;
  /** Over `temporalDynamicConfig`; for a server that must misbehave. */
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  /** A `temporal` program; default: `findTemporalBinary`. */
  readonly binary?: string;
  readonly onProgress?: (line: string) => void;
}

export interface TemporalServer {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  /** Empty without UI. */
  readonly uiUrl: string;
  readonly httpPort: number;
  readonly metricsPort: number;
  readonly pid: number;
  readonly binary: string;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

export const searchAttributeTypes: Readonly<Record<string, 'Int' | 'Keyword'>> = Object.fromEntries(
  Object.entries(searchAttributes).map(([key, attribute]) => [attribute, key === 'epoch' ? 'Int' : 'Keyword']),
);

/**
 * Each shard polls its task queues at most 20 times a second by default, which makes every hop of a workflow wait up to 50 ms.
 * More than a hundred signals behind one workflow task make the server fail it by default, and its next attempt as well: a flood of
 * junk would keep a `kill` from being taken up. A run takes 10,000 signals in all. The start of a workflow is read at every `describe`
 * of it, from a cache that holds 512 KB of them by default, a few hundred tasks. A production cluster needs the same values.
 */
export const temporalDynamicConfig = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'history.outboundProcessorMaxPollRPS': 2000,
  'system.enableActivityEagerExecution': true,
  'history.maximumBufferedEventsBatch': 10_000,
  'history.eventsCacheMaxSizeBytes': 16 * 1024 * 1024,
} as const;

/**
 * A queue is spread over four parts by default, for clusters of many hosts. On one host each part only hands to another what nobody
 * asks it for: what waits in one is offered to the first again and again.
 */
const oneHostDynamicConfig = {
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
} as const;

/**
 * A listed workflow is a row in forty indexes, so a fleet that ends goes through many pages again and again: they stay in memory (32 MB
 * at most), and the log that each is written to is folded into the file every 16 MB, not every 4. What a killed server has
 * committed is in that log.
 */
const pragmas = {
  journal_mode: 'WAL',
  synchronous: 'NORMAL',
  cache_size: '-32768',
  wal_autocheckpoint: '4000',
} as const;

/** A server that lives as long as a test may take more memory for less work. */
const seldomCollected = { GOGC: '400' } as const;

const host = '127.0.0.1';
const name = 'temporal';
const startDeadlineMs = 60_000;

interface Ports {
  readonly grpc: number;
  readonly ui: number;
  readonly http: number;
  readonly metrics: number;
}

/**
 * A Temporal dev server on loopback. It has no authentication: whoever can open a socket on this machine can use it, so this
 * is for development and tests, not for agents one does not trust.
 * An orphan of an earlier run in the same folder is ended first; two servers on one database file would destroy it.
 */
export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const binary =
    options.binary ??
    (await findTemporalBinary(options.onProgress === undefined ? {} : { onProgress: options.onProgress }));
  const folder = makeOwnerOnlyFolder(join(makeOwnerOnlyFolder(options.stateFolder), name));
  // Before the ports are chosen: the orphan still holds the ones that links point to.
  await endPredecessor(options.stateFolder, name);
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(folder, attempt === 1);
    try {
      return serverOf(await startOn(ports, binary, folder, options), ports, binary, options);
    } catch (error) {
      // Someone may have taken a port between our look and the server's bind.
      if (errorCodeOf(error) !== 'part-failed' || attempt === 3 || !String(error).includes('address already in use'))
        throw error;
    }
  }
}

function serverOf(child: ChildProcess, ports: Ports, binary: string, options: TemporalOptions): TemporalServer {
  return {
    address: `${host}:${ports.grpc}`,
    uiUrl: options.ui === false ? '' : `http://${host}:${ports.ui}`,
    httpPort: ports.http,
    metricsPort: ports.metrics,
    pid: child.pid,
    binary,
    exited: child.exited,
    stop: async () => void (await child.stop()),
  };
}

async function startOn(ports: Ports, binary: string, folder: string, options: TemporalOptions): Promise<ChildProcess> {
  const child = await startChild({
    name,
    command: binary,
    args: argumentsFor(ports, folder, options),
    stateFolder: options.stateFolder,
    logFile: join(folder, 'server.log'),
    cwd: folder,
    env: { ...bareEnvironment(), ...(options.database === 'memory' ? seldomCollected : {}) },
    // What lives in memory alone has nothing to put away.
    ...(options.database === 'memory' ? { graceMs: 0 } : {}),
  });
  try {
    const address = `${host}:${ports.grpc}`;
    const probe = {
      address,
      otherPort: ports.metrics,
      namespaces: Object.values(namespaces),
      searchAttributes: Object.keys(searchAttributeTypes),
    };
    await untilReady(child, startDeadlineMs, () => probeTemporal(probe));
  } catch (error) {
    await child.stop();
    throw error;
  }
  writeOwnerOnly(join(folder, 'ports.json'), JSON.stringify(ports));
  return child;
}

function argumentsFor(
  ports: Ports,
  folder: string,
  { database = 'file', ui = true, dynamicConfig }: TemporalOptions,
): string[] {
  return [
    ['server', 'start-dev', '--disable-config-file', '--disable-config-env', '--log-level', 'warn'],
    [
      '--ip',
      host,
      '--port',
      String(ports.grpc),
      '--http-port',
      String(ports.http),
      '--metrics-port',
      String(ports.metrics),
    ],
    ui ? ['--ui-port', String(ports.ui), '--ui-disable-news-fetch'] : ['--headless'],
    database === 'file'
      ? [
          ['--db-filename', join(folder, 'temporal.db')],
          Object.entries(pragmas).flatMap(([key, value]) => ['--sqlite-pragma', `${key}=${value}`]),
        ].flat()
      : [],
    Object.values(namespaces).flatMap((namespace) => ['--namespace', namespace]),
    Object.entries(searchAttributeTypes).flatMap(([key, type]) => ['--search-attribute', `${key}=${type}`]),
    Object.entries({ ...temporalDynamicConfig, ...oneHostDynamicConfig, ...dynamicConfig }).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${value}`,
    ]),
  ].flat();
}

/** Those of the last start if they are still free, so that links into the UI stay valid. */
async function choosePorts(folder: string, remember: boolean): Promise<Ports> {
  const last = remember ? rememberedPorts(folder) : {};
  const [grpc, ui, http, metrics] = await freePorts([last.grpc, last.ui, last.http, last.metrics]);
  if (grpc === undefined || ui === undefined || http === undefined || metrics === undefined)
    throw new EstopError('internal');
  return { grpc, ui, http, metrics };
}

function rememberedPorts(folder: string): Partial<Ports> {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8'));
    if (typeof value !== 'object' || value === null) return {};
    const ports = Object.entries(value).filter(
      (entry): entry is [string, number] => Number.isInteger(entry[1]) && entry[1] > 0 && entry[1] < 65_536,
    );
    return Object.fromEntries(ports);
  } catch {
    return {};
  }
}
