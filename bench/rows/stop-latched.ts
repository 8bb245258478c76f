import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { formatId } from '../../src/core/ids.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';
import { underLoad } from '../under-load.ts';

/** HTTP in, durable commit, HTTP out, while the gateway is hammered; beside a bare one-row commit in the same database. */
export const stopLatched: Row = {
  name: 'stop-latched',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const count = quick ? 100 : 400;
    await bed.postgres.query(
      'CREATE TABLE IF NOT EXISTS bench_commits (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now())',
    );
    const [stops, commits]: [number[], number[]] = [[], []];
    await underLoad(bed, 4, async () => {
      for (let i = 0; i < count; i += 1) {
        // A task that does not exist: the stop is as real as any, and there is nothing to halt that would slow the next one.
        const taskId = formatId('task', bed.installation.profile.environment, randomBytes(16));
        let begun = performance.now();
        await bed.operator.stops.stop({ task: taskId }, { reason: 'bench' });
        stops.push(performance.now() - begun);
        begun = performance.now();
        await bed.postgres.query('INSERT INTO bench_commits DEFAULT VALUES');
        commits.push(performance.now() - begun);
      }
    });
    return [50, 99].map((p) =>
      figure({
        name: `stop latched p${p}, gateway under load`,
        value: percentile(stops, p),
        unit: 'ms',
        rival: percentile(commits, p),
        rivalName: 'bare commit of one row',
        bar: p === 99 ? '<= 10 ms' : '-',
        holds: (value) => p !== 99 || value <= 10,
      }),
    );
  },
};
