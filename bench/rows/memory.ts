import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, figure } from '../figure.ts';
import { memoryOf, withDescendants } from '../process-memory.ts';
import type { Row } from '../row.ts';

/** Proportional set size of every process of an idle installation, from /proc. */
export const memory: Row = {
  name: 'memory',
  needs: 'bed',
  run: async ({ installation }, { quick }): Promise<readonly Figure[]> => {
    await sleep(quick ? 2_000 : 15_000);
    const roots = [
      ...[...installation.processes.values()].map((process) => process.pid()),
      installation.temporal.pid,
      installation.postgres.pid,
    ];
    const all = roots.flatMap(withDescendants);
    const stop = installation.processes.get('stop')?.pid() ?? 0;
    return [
      figure({
        name: 'idle installation, all processes',
        value: memoryOf(all),
        unit: 'MB',
        rival: 900,
        rivalName: 'limit',
        bar: '< 900 MB',
        holds: (value) => value < 900,
      }),
      figure({
        name: 'stop process',
        value: memoryOf([stop]),
        unit: 'MB',
        rival: 100,
        rivalName: 'limit',
        bar: '< 100 MB',
        holds: (value) => value < 100,
      }),
    ];
  },
};
