import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { packageRoot, sourceExtension } from '../../src/runtime/package-root.ts';
import { bundleWorkflows } from '../../src/workers/bundle.ts';
import { type Figure, figure } from '../figure.ts';
import type { Row } from '../row.ts';

/** The rampage and the hang that the demo waits for on purpose; see examples/demo/story.ts. */
const waitedOnPurposeMs = 1_500 + 5_000;

/** Warm: everything is built and bundled, as at a second start. Its own tidying up, after the summary, is not part of it. */
export const demo: Row = {
  name: 'demo',
  needs: 'nothing',
  run: async ({ alone, leave }): Promise<readonly Figure[]> => {
    const main = join(
      packageRoot,
      sourceExtension === '.js' ? 'dist' : '',
      'examples',
      'demo',
      `main${sourceExtension}`,
    );
    for (const set of ['agents', 'control'] as const) await bundleWorkflows(set);
    await alone();
    const begun = performance.now();
    const child = spawn(process.execPath, [main, '--json'], {
      cwd: packageRoot,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // In a group of its own, and told once if we end before it: a second signal would kill it over its servers.
    const end = (): void => void child.kill('SIGTERM');
    process.once('exit', end);
    const exited = new Promise<number | null>((resolve) => void child.once('exit', resolve));
    const isProved = await untilSummary(child.stdout);
    const seconds = (performance.now() - begun) / 1_000;
    leave(requireClean(exited).finally(() => process.removeListener('exit', end)));
    return [
      figure({
        name: 'demo, warm: command to everything proved',
        value: seconds,
        unit: 's',
        rival: waitedOnPurposeMs / 1_000,
        rivalName: 'what it waits on purpose',
        bar: '<= 20 s, all of it',
        holds: (value) => value <= 20 && isProved,
      }),
    ];
  },
};

/** False also where it ended without one. */
async function untilSummary(output: NodeJS.ReadableStream): Promise<boolean> {
  for await (const line of createInterface(output)) {
    const told = JSON.parse(line) as { readonly kind: string; readonly ok?: boolean }; // the demo's own lines
    if (told.kind !== 'summary') continue;
    output.resume();
    return told.ok === true;
  }
  return false;
}

async function requireClean(exited: Promise<number | null>): Promise<void> {
  const code = await exited;
  if (code !== 0) throw new Error(`the demo ended with ${code}`);
}
