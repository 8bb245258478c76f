import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeCacheFolder } from './cache-folder.ts';
import type { Road } from './temporal-binary.ts';

export interface TemporalBuild {
  readonly version: string;
  readonly target: string;
  readonly toolsFolder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onProgress: (line: string) => void;
}

const program = 'github.com/temporalio/cli/cmd/temporal';

/**
 * Builds the program from the module that tools/temporal pins, every source checked against its go.sum. Written under a name
 * of our own and moved into place, so that two builders at once are safe and nobody ever runs half a file.
 */
export async function buildTemporal({ version, target, toolsFolder, env, onProgress }: TemporalBuild): Promise<Road> {
  // Asked about the module itself: an older Go either switches to the toolchain that the module wants, or refuses here.
  const go = spawnSync('go', ['list', '-m'], { cwd: toolsFolder, env, encoding: 'utf8' });
  if (go.error !== undefined) return { tried: 'no Go toolchain to build it with' };
  if (go.status !== 0) return { tried: `the Go toolchain is too old to build it (${lastLine(go.stderr)})` };

  onProgress(`Building Temporal's dev server ${version} with Go, once for this machine; this takes a few minutes ..`);
  const draft = mkdtempSync(join(makeCacheFolder(dirname(target)), 'build-'));
  try {
    const output = join(draft, 'temporal');
    const stamp = `-s -w -X github.com/temporalio/cli/internal/temporalcli.Version=${version}`;
    // Without C, as the vendor builds it; and without what only a debugger reads, which the linker would throw away.
    const build = await run(
      'go',
      ['build', '-trimpath', '-mod=readonly', '-gcflags=all=-dwarf=false', '-o', output, '-ldflags', stamp, program],
      toolsFolder,
      { ...env, CGO_ENABLED: '0' },
    );
    if (build.code !== 0) return { tried: `go build failed (${lastLine(build.stderr)})` };
    renameSync(output, target);
    return { path: target };
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-4096)));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stderr }));
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
