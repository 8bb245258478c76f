import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { EstopError } from '../../core/errors.ts';
import { bareEnvironment } from './bare-environment.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { OsUser } from './postgres-user.ts';
import { makeOwnerOnlyFolder, writeOwnerOnly } from './state-folder.ts';

export interface Superuser {
  readonly user: string;
  readonly password: string;
}

export interface PostgresCluster {
  /** Holds everything of this cluster; `data` in it is PostgreSQL's own. */
  readonly folder: string;
  readonly dataFolder: string;
  readonly superuser: Superuser;
}

/**
 * The way a server program gets at its data folder. As the user `postgres` it could not walk there, because the state folder
 * is closed to everyone but its owner: it gets the folder itself, opened by us, and names it by that handle. So nothing above
 * has to be opened up for it.
 */
export interface DataAccess {
  readonly path: string;
  readonly handles: readonly number[];
  close(): void;
}

const onLinux = process.platform === 'linux';
const firstHandle = 3;
const superuserName = 'postgres';

export function openDataFolder(dataFolder: string, user: OsUser | undefined): DataAccess {
  if (user === undefined || !onLinux) return { path: dataFolder, handles: [], close: () => undefined };
  const handle = openSync(dataFolder, 'r');
  return { path: `/proc/self/fd/${firstHandle}`, handles: [handle], close: () => closeSync(handle) };
}

/** The cluster in this folder, made by initdb if there is none yet. A run that was cut off leaves none, only a draft. */
export function ensureCluster(folder: string, binaries: PostgresBinaries, user: OsUser | undefined): PostgresCluster {
  makeOwnerOnlyFolder(folder);
  const dataFolder = join(folder, 'data');
  const secret = join(folder, 'superuser.json');
  if (!existsSync(dataFolder)) {
    const superuser = { user: superuserName, password: randomBytes(24).toString('base64url') };
    writeOwnerOnly(secret, JSON.stringify(superuser));
    initialise(dataFolder, superuser, binaries, user);
  }
  checkVersion(dataFolder, binaries);
  return { folder, dataFolder, superuser: readSuperuser(secret) };
}

function initialise(
  dataFolder: string,
  superuser: Superuser,
  binaries: PostgresBinaries,
  user: OsUser | undefined,
): void {
  const draft = `${dataFolder}.draft`;
  const passwordFile = `${dataFolder}.password`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  writeFileSync(passwordFile, `${superuser.password}\n`, { mode: 0o600 });
  if (user !== undefined) for (const path of [draft, passwordFile]) chownSync(path, user.uid, user.gid);

  const access = openDataFolder(draft, user);
  const password = openSync(passwordFile, 'r');
  try {
    const args = [
      ['-D', access.path],
      ['-U', superuser.user],
      ['--auth=scram-sha-256', `--pwfile=/dev/fd/${firstHandle + access.handles.length}`],
      // The same on every machine, whatever locales it has.
      ['--encoding=UTF8', '--locale=C'],
      onLinux ? ['--no-sync'] : [],
    ].flat();
    const run = spawnSync(join(binaries.folder, 'initdb'), args, {
      encoding: 'utf8',
      cwd: '/',
      env: bareEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe', ...access.handles, password],
      ...user,
    });
    if (run.status !== 0)
      throw new EstopError('part-failed', {
        detail: `initdb could not make ${dataFolder}: ${(run.stderr ?? '').trim()}`,
        cause: run.error,
      });
    syncWhole(draft);
    renameSync(draft, dataFolder);
  } finally {
    access.close();
    closeSync(password);
    rmSync(passwordFile, { force: true });
  }
}

/** initdb syncs its thousand files one by one, which takes seconds on a busy disk; one call for the file system is as good. */
function syncWhole(folder: string): void {
  if (!onLinux) return;
  const run = spawnSync('sync', ['-f', folder], { encoding: 'utf8' });
  if (run.status !== 0)
    throw new EstopError('part-failed', {
      detail: `${folder} could not be synced to disk: ${(run.stderr ?? '').trim()}`,
      cause: run.error,
    });
}

function checkVersion(dataFolder: string, binaries: PostgresBinaries): void {
  const version = Number.parseInt(readFileSync(join(dataFolder, 'PG_VERSION'), 'utf8'), 10);
  if (version === binaries.majorVersion) return;
  const detail = `${dataFolder} was made by PostgreSQL ${version} and cannot be read by version ${binaries.majorVersion}: use a new state folder, or move the data with pg_dump.`;
  throw new EstopError('part-failed', { detail });
}

function readSuperuser(path: string): Superuser {
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (typeof value === 'object' && value !== null && 'user' in value && 'password' in value) {
    if (typeof value.user === 'string' && typeof value.password === 'string')
      return { user: value.user, password: value.password };
  }
  throw new EstopError('part-failed', { detail: `${path} does not hold the superuser's name and password.` });
}
