import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Bed } from '../bed.ts';
import { cpuLine, cpuSeconds } from '../cpu.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import { startProgram } from '../program.ts';
import type { WatchersOrder, WatchersReport } from '../programs/watchers.ts';
import type { Row } from '../row.ts';
import { bareCommits, startStopper } from './stop-latched.ts';

const watchers = 200;
const readsPerSecond = 500;
const listed = 10_000;
const mark = 'bench-watchers';

/** What looking costs those who act: stops while many watch and read, how soon a watcher hears of one, and a long list's first page. */
export const watching: Row = {
  name: 'watchers',
  needs: 'bed',
  run: async (bed, { quick, say }): Promise<readonly Figure[]> => {
    const { profile } = bed.installation;
    await bareCommits(bed);
    const looking = startProgram<WatchersReport>('watchers', {
      controlUrl: profile.controlUrl,
      token: profile.token,
      watchers,
      readsPerSecond,
    } satisfies WatchersOrder);
    await looking.ready;
    const before = cpuSeconds(bed.installation);
    const count = quick ? 16 : 200;
    const stopper = startStopper(bed, count);
    const { stops, commits, answers } = await stopper.report;
    const cpu = cpuLine(before, cpuSeconds(bed.installation));
    await pause(1_000);
    const seen = await looking.end();
    say(
      `watchers: ${seen.delays.length} events heard; reads: ${seen.reads} answered (p99 ${seen.readP99.toFixed(1)} ms), ${seen.refused} refused, ${seen.skipped} not sent because too many were open, ${seen.cpuSeconds.toFixed(2)} CPU s. ${cpu}`,
    );
    if (seen.delays.length < watchers * stops.length)
      throw new Error(`only ${seen.delays.length} events were heard of ${stops.length} stops by ${watchers} watchers`);
    const list = await listTimes(bed, quick ? 60 : 300);
    return [
      figure({
        name: `API stop p99 of ${stops.length}, ${watchers} watch, ${readsPerSecond} reads/s asked`,
        value: percentile(stops, 99),
        unit: 'ms',
        rival: percentile(commits, 99),
        rivalName: `bare commit of one row; an HTTP answer without any ${percentile(answers, 99).toFixed(2)} ms`,
        bar: '<= 10 ms',
        holds: (value) => value <= 10,
      }),
      figure({
        name: `event heard after the commit, p99 of ${seen.delays.length}`,
        value: percentile(seen.delays, 99),
        unit: 'ms',
        rival: percentile(seen.delays, 50),
        rivalName: 'its median',
        bar: '<= 250 ms',
        holds: (value) => value <= 250,
      }),
      figure({
        name: `first page of ${listed} tasks, p99 of ${list.ours.length}`,
        value: percentile(list.ours, 99),
        unit: 'ms',
        rival: percentile(list.bare, 99),
        rivalName: 'the bare query',
        bar: '<= 50 ms',
        holds: (value) => value <= 50,
      }),
      figure({
        name: `the console's first page of ${listed} tasks, p99 of ${list.page.length}`,
        value: percentile(list.page, 99),
        unit: 'ms',
        rival: percentile(list.ours, 99),
        rivalName: 'the same page as the API gives it',
        bar: '<= 50 ms',
        holds: (value) => value <= 50,
      }),
    ];
  },
};

/** Closed ones: nobody but the list has anything to do with them. */
async function listTimes(
  bed: Bed,
  count: number,
): Promise<{ readonly ours: number[]; readonly page: number[]; readonly bare: number[] }> {
  const { postgres, installation } = bed;
  const { profile } = installation;
  await postgres.query(
    `INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state, outcome, closed_at)
     SELECT t, '${mark}', t, '{}', ARRAY['${mark}'], ARRAY['fleet', 'task:' || t], 0, 0, $1, 'task', 'bench', 'closed', 'done', clock_timestamp()
     FROM (SELECT 'task_${profile.environment}_' || '9' || lpad(n::text, 25, '0') AS t FROM generate_series(1, ${listed}) n) x`,
    [mark],
  );
  try {
    const [ours, page, bare]: [number[], number[], number[]] = [[], [], []];
    const asked = async (path: string): Promise<number> => {
      const begun = performance.now();
      const answer = await fetch(new URL(path, profile.controlUrl), {
        headers: { authorization: `Bearer ${profile.token}` },
      });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.status}`);
      return performance.now() - begun;
    };
    for (let i = 0; i < count; i += 1) {
      ours.push(await asked('/v1/tasks?limit=50'));
      page.push(await asked('/tasks'));
      const begun = performance.now();
      await postgres.query('SELECT * FROM estop.tasks ORDER BY registered_at DESC, task_id DESC LIMIT 51');
      bare.push(performance.now() - begun);
    }
    return { ours, page, bare };
  } finally {
    await postgres.query('DELETE FROM estop.tasks WHERE purpose = $1', [mark]);
  }
}
