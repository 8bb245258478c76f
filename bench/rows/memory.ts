import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceExtension } from '../../src/runtime/package-root.ts';
import { type Figure, figure } from '../figure.ts';
import { commandOf, memoryOf, withDescendants } from '../process-memory.ts';
import type { Row } from '../row.ts';

/** Idle: what the start left behind is collected by then. */
const idleMs = 10_000;

/** Proportional set size of everything that `estop dev` is, itself included, before it was asked for anything; from /proc. */
export const memory: Row = {
  name: 'memory',
  needs: 'bed',
  run: async ({ installation }): Promise<readonly Figure[]> => {
    await sleep(idleMs);
    const all = withDescendants(installation.pid);
    return figuresOf(
      memoryOf(all),
      memoryOf(all.filter((pid) => commandOf(pid).includes(join('stop', `main${sourceExtension}`)))),
    );
  },
};

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
