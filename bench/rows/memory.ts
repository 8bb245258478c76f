import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceExtension } from '../../src/runtime/package-root.ts';
import { type Figure, figure } from '../figure.ts';
import { commandOf, memoryOf, withDescendants } from '../process-memory.ts';
import type { Row } from '../row.ts';

/** Idle since it was up: what the start left behind is collected by then. Five seconds are too few for that. */
const idleMs = 10_000;

/** Proportional set size of everything that `estop dev` is, itself included, before it was asked for anything; from /proc. */
export const memory: Row = {
  name: 'memory',
  needs: 'bed',
  setsUp: true,
  run: async ({ installation, upAt }, { alone }): Promise<readonly Figure[]> => {
    await sleep(Math.max(0, upAt + idleMs - performance.now()));
    // Last: whatever else runs would carry its part of the pages that all Node processes share.
    await alone();
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
