import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { sessionOptions } from '../../core/session-options.ts';
import { bareEnvironment } from './bare-environment.ts';
import { adoptChild, type ChildProcess, startChild } from './child-process.ts';
import { readChildRecord } from './child-record.ts';
import { withExclusiveFile } from './exclusive-file.ts';
import { freePort } from './free-port.ts';
import { findPostgresBinaries } from './postgres-binaries.ts';
import { ensureCluster, openDataFolder, type PostgresCluster, type Superuser } from './postgres-cluster.ts';
import { type OsUser, postgresUser } from './postgres-user.ts';
import { findPostmaster, shutDown } from './postmaster.ts';
import { isAlive } from './process-identity.ts';
import { untilReady } from './readiness.ts';
import { makeOwnerOnlyFolder, writeOwnerOnly } from './state-folder.ts';

export interface PostgresOptions {
  /** The state folder; the cluster lives in a subfolder of it named after the server. */
  readonly folder: string;
  readonly name: string;
  /** 'embedded' (default), or a folder with `initdb` and `postgres`, such as /usr/lib/postgresql/15/bin. */
  readonly binaries?: string;
  /** Default: the port of the last start if it is still free, else any free one. */
  readonly port?: number;
  /** Server settings, for example `{ max_prepared_transactions: 10 }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
}

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly superuser: Superuser;
  readonly pid: number;
  readonly majorVersion: number;
  /** True if it was already running. */
  readonly adopted: boolean;
  readonly exited: Promise<unknown>;
  /** A connection string; without a role that of the superuser. */
  url(database: string, role?: Superuser): string;
  /** Fast shutdown. Does nothing to a server whose starter still lives: it is not ours to end. */
  stop(): Promise<void>;
}

const host = '127.0.0.1';
const startDeadlineMs = 60_000;
const stopDeadlineMs = 20_000;

interface Start {
  readonly options: PostgresOptions;
  readonly cluster: PostgresCluster;
  readonly binariesFolder: string;
  readonly user: OsUser | undefined;
  readonly logFile: string;
  readonly fingerprint: string;
}

/**
 * A PostgreSQL server on loopback TCP alone: it has no socket file, passwords are scram-sha-256, and commits are durable.
 * One that survived its starter is taken over if it was started in the same way, else shut down and started anew.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const user = postgresUser();
  const binaries = findPostgresBinaries(options.binaries ?? 'embedded', user);
  makeOwnerOnlyFolder(options.folder);
  const folder = makeOwnerOnlyFolder(join(options.folder, options.name));
  return withExclusiveFile(join(folder, 'start.lock'), startDeadlineMs, async () => {
    const cluster = ensureCluster(folder, binaries, user);
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([binaries, options.settings ?? {}]))
      .digest('hex');
    const start = {
      options,
      cluster,
      binariesFolder: binaries.folder,
      user,
      logFile: join(folder, 'server.log'),
      fingerprint,
    };
    const running = (await adopt(start)) ?? { ...(await startWithFreePort(start)), adopted: false };
    return serverOf(running, cluster.superuser, binaries.majorVersion);
  });
}

interface RunningServer {
  readonly port: number;
  readonly pid: number;
  readonly adopted: boolean;
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

function serverOf(running: RunningServer, superuser: Superuser, majorVersion: number): PostgresServer {
  return {
    ...running,
    host,
    superuser,
    majorVersion,
    url: (database, role = superuser) => urlOf(running.port, database, role),
  };
}

/** That it speaks no TLS is said, so that a PGSSLMODE of whoever started us cannot ask it for some. */
function urlOf(port: number, database: string, role: Superuser): string {
  const whose = `${encodeURIComponent(role.user)}:${encodeURIComponent(role.password)}`;
  return `postgresql://${whose}@${host}:${port}/${encodeURIComponent(database)}?sslmode=disable`;
}

/** What already runs on this data folder, if it can stay. */
async function adopt({ options, cluster, logFile, fingerprint }: Start): Promise<RunningServer | undefined> {
  const postmaster = findPostmaster(cluster.dataFolder);
  if (postmaster === undefined) return undefined;
  const {
    port,
    process: { pid },
  } = postmaster;
  const record = readChildRecord(options.folder, options.name);
  const recorded = record !== undefined && record.child.pid === pid && isAlive(record.child);
  const fits = recorded && record.fingerprint === fingerprint && (options.port ?? port) === port;

  if (recorded && isAlive(record.parent)) {
    if (!fits)
      throw new EstopError('part-failed', {
        detail: `${options.name} already runs (process ${pid}), with other settings, for process ${record.parent.pid}.`,
      });
    await roundTrip(urlOf(port, 'postgres', cluster.superuser));
    return { port, pid, adopted: true, exited: new Promise(() => undefined), stop: async () => undefined };
  }
  if (fits && (await answers(urlOf(port, 'postgres', cluster.superuser)))) {
    const child = adoptChild(options.folder, record, logFile, stopDeadlineMs);
    return { port, pid, adopted: true, exited: child.exited, stop: async () => void (await child.stop()) };
  }
  await shutDown(postmaster, stopDeadlineMs);
  return undefined;
}

async function startWithFreePort(start: Start): Promise<Omit<RunningServer, 'adopted'>> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await choosePort(start, attempt);
    try {
      const child = await startOn(port, start);
      writeOwnerOnly(portFile(start.cluster), String(port));
      return { port, pid: child.pid, exited: child.exited, stop: async () => void (await child.stop()) };
    } catch (error) {
      // Someone may have taken the port between our look and the server's bind.
      if (errorCodeOf(error) !== 'part-failed' || attempt === 3 || start.options.port !== undefined) throw error;
      if (!String(error).includes('could not bind')) throw error;
    }
  }
}

async function choosePort({ options, cluster }: Start, attempt: number): Promise<number> {
  if (options.port !== undefined) return options.port;
  return freePort(attempt === 1 ? rememberedPort(cluster) : undefined);
}

function rememberedPort(cluster: PostgresCluster): number | undefined {
  try {
    const port = Number.parseInt(readFileSync(portFile(cluster), 'utf8'), 10);
    return port > 0 && port < 65_536 ? port : undefined;
  } catch {
    return undefined;
  }
}

function portFile(cluster: PostgresCluster): string {
  return join(cluster.folder, 'port');
}

async function startOn(
  port: number,
  { options, cluster, binariesFolder, user, logFile, fingerprint }: Start,
): Promise<ChildProcess> {
  const access = openDataFolder(cluster.dataFolder, user);
  try {
    const settings = {
      ...options.settings,
      listen_addresses: host,
      unix_socket_directories: '',
      password_encryption: 'scram-sha-256',
      timezone: 'UTC',
      log_timezone: 'UTC',
    };
    const child = await startChild({
      name: options.name,
      command: join(binariesFolder, 'postgres'),
      args: [
        '-D',
        access.path,
        '-p',
        String(port),
        ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
      ],
      stateFolder: options.folder,
      logFile,
      cwd: '/',
      env: bareEnvironment(),
      as: user,
      handles: access.handles,
      stopSignal: 'SIGINT',
      graceMs: stopDeadlineMs,
      fingerprint,
    });
    try {
      await untilReady(child, startDeadlineMs, () => roundTrip(urlOf(port, 'postgres', cluster.superuser)));
    } catch (error) {
      await child.stop();
      throw error;
    }
    return child;
  } finally {
    access.close();
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await roundTrip(url);
    return true;
  } catch {
    return false;
  }
}

async function roundTrip(connectionString: string): Promise<void> {
  const limits = { connectionTimeoutMillis: 5_000, query_timeout: 5_000 };
  const client = new Client({ connectionString, options: sessionOptions, ...limits });
  // A connection that is cut while idle emits an error; the next query reports it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
