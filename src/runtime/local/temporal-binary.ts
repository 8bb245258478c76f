import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { EstopError } from '../../core/errors.ts';
import { packageRoot } from '../package-root.ts';
import { cacheFolder } from './cache-folder.ts';
import { buildTemporal } from './temporal-build.ts';
import { downloadTemporal } from './temporal-download.ts';

export interface TemporalBinaryOptions {
  /** Told once, when getting the binary will take long. */
  readonly onProgress?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly cache?: string;
  /** Where the vendor hands out binaries. */
  readonly downloadUrl?: string;
}

/** A road to the binary: its path, or why there is none this way. */
export type Road = { readonly path: string } | { readonly tried: string };

/** The version that tools/temporal/go.mod pins, read there so that it stands in one place. */
function temporalVersion(): string {
  const version = /github\.com\/temporalio\/cli v(\S+)/.exec(readFileSync(join(toolsFolder, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error('tools/temporal/go.mod does not pin github.com/temporalio/cli');
  return version;
}

const toolsFolder = join(packageRoot, 'tools', 'temporal');
const defaultDownloadUrl = 'https://temporal.download/cli';

/** A `temporal` program by the first of three roads: what is installed, the vendor's download, our own build. */
export async function findTemporalBinary(options: TemporalBinaryOptions = {}): Promise<string> {
  const { onProgress = () => undefined, env = process.env } = options;
  const version = temporalVersion();
  const cache = join(options.cache ?? cacheFolder(), `temporal-${version}-${goSumHash()}`);
  const cached = join(cache, 'temporal');
  const tried: string[] = [];
  const roads: readonly (() => Road | Promise<Road>)[] = [
    () => installed(env),
    ...(existsSync(cached) ? [() => ({ path: cached })] : []),
    () =>
      downloadTemporal({
        version,
        cache,
        target: cached,
        baseUrl: options.downloadUrl ?? defaultDownloadUrl,
        onProgress,
      }),
    () => buildTemporal({ version, target: cached, toolsFolder, env, onProgress }),
  ];
  for (const road of roads) {
    const result = await walk(road, cache);
    if ('tried' in result) tried.push(result.tried);
    else if (runs(result.path)) return result.path;
    else tried.push(`${result.path} does not run`);
  }
  const detail = `Temporal's dev server was looked for in three ways (${tried.join('; ')}): install the Temporal CLI or Go 1.26.4, or set ESTOP_TEMPORAL_CLI to a temporal program.`;
  throw new EstopError('part-missing', { detail });
}

/** A cache that cannot be written closes a road, and not those that need none. */
async function walk(road: () => Road | Promise<Road>, cache: string): Promise<Road> {
  try {
    return await road();
  } catch (thrown) {
    if (!(thrown instanceof Error) || !('syscall' in thrown)) throw thrown;
    return { tried: `nothing can be kept in ${cache} (${thrown.message})` };
  }
}

function installed(env: NodeJS.ProcessEnv): Road {
  const chosen = env['ESTOP_TEMPORAL_CLI'];
  if (chosen !== undefined && chosen !== '') {
    if (runs(chosen)) return { path: chosen };
    // Whoever names a program wants that one: another in its place would be a surprise.
    throw new EstopError('part-missing', {
      detail: `ESTOP_TEMPORAL_CLI names ${chosen}, which does not run: correct it or unset it.`,
    });
  }
  // A relative entry would run whatever lies in the folder one happens to stand in.
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const onPath = folders.map((folder) => join(folder, 'temporal')).find(runs);
  return onPath === undefined ? { tried: 'no `temporal` on PATH' } : { path: onPath };
}

function runs(path: string): boolean {
  if (!existsSync(path)) return false;
  const run = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return run.status === 0 && run.stdout.startsWith('temporal version');
}

function goSumHash(): string {
  return createHash('sha256')
    .update(readFileSync(join(toolsFolder, 'go.sum')))
    .digest('hex')
    .slice(0, 12);
}
