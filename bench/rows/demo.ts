import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { packageRoot, sourceExtension } from '../../src/runtime/package-root.ts';
import { type Figure, figure } from '../figure.ts';
import type { Row } from '../row.ts';

/** The rampage and the hang that the demo waits for on purpose; see examples/demo/story.ts. */
const waitedOnPurposeMs = 1_500 + 5_000;

/** Warm: everything is built and cached, as at a second start. */
export const demo: Row = {
  name: 'demo',
  needs: 'nothing',
  run: async (): Promise<readonly Figure[]> => {
    const main = join(
      packageRoot,
      sourceExtension === '.js' ? 'dist' : '',
      'examples',
      'demo',
      `main${sourceExtension}`,
    );
    const begun = performance.now();
    const code = await new Promise<number | null>((resolve) => {
      spawn(process.execPath, [main, '--json'], { cwd: packageRoot, stdio: 'ignore' }).once('exit', resolve);
    });
    const seconds = (performance.now() - begun) / 1_000;
    return [
      figure({
        name: 'demo, warm: command to everything proved',
        value: seconds,
        unit: 's',
        rival: waitedOnPurposeMs / 1_000,
        rivalName: 'what it waits on purpose',
        bar: '<= 20 s, exit 0',
        holds: (value) => value <= 20 && code === 0,
      }),
    ];
  },
};
