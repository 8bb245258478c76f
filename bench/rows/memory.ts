import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot, sourceExtension, sourceRoot } from '../../src/runtime/package-root.ts';
import { type Figure, figure } from '../figure.ts';
import { commandOf, memoryOf, withDescendants } from '../process-memory.ts';
import type { Row } from '../row.ts';

/** Proportional set size of everything that `estop dev` is, itself included, with nothing to do; from /proc. */
export const memory: Row = {
  name: 'memory',
  needs: 'nothing',
  run: async (): Promise<readonly Figure[]> => {
    const folder = mkdtempSync(join(tmpdir(), 'estop-bench-'));
    copyFileSync(join(packageRoot, 'estop.yaml'), join(folder, 'estop.yaml'));
    const dev = spawn(process.execPath, [join(sourceRoot, `cli/main${sourceExtension}`), 'dev'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => dev.once('exit', () => resolve()));
    try {
      await untilUp(dev.stderr);
      // Idle: what the start left behind is collected by then.
      await sleep(15_000);
      const all = withDescendants(dev.pid ?? 0);
      return figuresOf(
        memoryOf(all),
        memoryOf(all.filter((pid) => commandOf(pid).includes(join('stop', `main${sourceExtension}`)))),
      );
    } finally {
      dev.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function untilUp(output: NodeJS.ReadableStream): Promise<void> {
  for await (const line of createInterface(output)) if (line.startsWith('estop is up')) return void output.resume();
  throw new Error('`estop dev` ended before it was up');
}

const figuresOf = (whole: number, stop: number): readonly Figure[] => [
  figure({
    name: 'idle installation, all processes',
    value: whole,
    unit: 'MB',
    rival: 900,
    rivalName: 'limit',
    bar: '< 900 MB',
    holds: (value) => value < 900,
  }),
  figure({
    name: 'stop process',
    value: stop,
    unit: 'MB',
    rival: 100,
    rivalName: 'limit',
    bar: '< 100 MB',
    // None at all would mean that it was not found.
    holds: (value) => value > 0 && value < 100,
  }),
];
