import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { formatId } from '../../src/core/ids.ts';
import type { Bed } from '../bed.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

const watchers = 200;
const readsPerSecond = 500;
const listed = 10_000;
const mark = 'bench-watchers';

/** What looking costs those who act: stops while many watch and read, how soon a watcher hears of one, and a long list's first page. */
export const watching: Row = {
  name: 'watchers',
  needs: 'bed',
  run: async (bed, { quick, say }): Promise<readonly Figure[]> => {
    const count = quick ? 40 : 200;
    const alone = await stopTimes(bed, count);
    const heard = new Map<string, number[]>();
    const closing = new AbortController();
    const streams = await Promise.all(Array.from({ length: watchers }, () => watch(bed, heard, closing.signal)));
    const reading = readSteadily(bed, closing.signal);
    const busy = await stopTimes(bed, count);
    await pause(1_000);
    closing.abort();
    const reads = await reading;
    await Promise.allSettled(streams.map(({ ended }) => ended));
    const delays = busy.flatMap(({ stopId, latchedAt }) => (heard.get(stopId) ?? []).map((at) => at - latchedAt));
    say(`watchers: ${delays.length} of ${count * watchers} events heard, ${reads} reads answered`);
    // What was asked before and given up is still being answered.
    await pause(3_000);
    const list = await listTimes(bed, quick ? 60 : 300);
    return [
      figure({
        name: `API stop p99 while ${watchers} watch and ${readsPerSecond} reads a second are asked`,
        value: percentile(
          busy.map(({ ms }) => ms),
          99,
        ),
        unit: 'ms',
        rival: percentile(
          alone.map(({ ms }) => ms),
          99,
        ),
        rivalName: 'the same with nobody there',
        bar: '<= 10 ms',
        holds: (value) => value <= 10,
      }),
      figure({
        name: 'event heard after the commit, p99',
        value: percentile(delays, 99),
        unit: 'ms',
        rival: percentile(delays, 50),
        rivalName: 'its median',
        bar: '<= 250 ms',
        holds: (value) => value <= 250,
      }),
      figure({
        name: `first page of ${listed} tasks, p99`,
        value: percentile(list.ours, 99),
        unit: 'ms',
        rival: percentile(list.bare, 99),
        rivalName: 'the bare query',
        bar: '<= 50 ms',
        holds: (value) => value <= 50,
      }),
    ];
  },
};

interface Stopped {
  readonly stopId: string;
  readonly ms: number;
  readonly latchedAt: number;
}

/** Stops of labels that nothing carries: the latch and nothing else. */
async function stopTimes({ installation: { profile } }: Bed, count: number): Promise<readonly Stopped[]> {
  const stopped: Stopped[] = [];
  for (let i = 0; i < count; i += 1) {
    const stopId = formatId('stop', profile.environment, randomBytes(16));
    const begun = performance.now();
    const answer = await fetch(new URL('/v1/stops', profile.stopUrl), {
      method: 'POST',
      headers: { 'authorization': `Bearer ${profile.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ stopId, scopeKey: `label:${mark}=n${i}` }),
    });
    await answer.arrayBuffer();
    const now = performance.now();
    stopped.push({ stopId, ms: now - begun, latchedAt: now });
    await pause(25);
  }
  return stopped;
}

/** Resolves once it hears; the promise inside ends with the signal. */
async function watch(
  { installation: { profile } }: Bed,
  heard: Map<string, number[]>,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<void> }> {
  const answer = await fetch(new URL('/v1/events', profile.controlUrl), {
    headers: { authorization: `Bearer ${profile.token}` },
    signal,
  });
  const seen = new Set<string>();
  const read = async (): Promise<void> => {
    for await (const chunk of answer.body ?? []) {
      const now = performance.now();
      for (const [, stopId] of Buffer.from(chunk)
        .toString('latin1')
        .matchAll(/event: stop\ndata: \{"stopId":"([^"]+)"/g)) {
        if (stopId === undefined || seen.has(stopId)) continue;
        seen.add(stopId);
        heard.set(stopId, [...(heard.get(stopId) ?? []), now]);
      }
    }
  };
  return { ended: read().catch(() => undefined) };
}

async function readSteadily({ installation: { profile } }: Bed, signal: AbortSignal): Promise<number> {
  let answered = 0;
  const everyMs = 20;
  const open = new Set<Promise<void>>();
  while (!signal.aborted) {
    for (let i = 0; i < (readsPerSecond * everyMs) / 1_000; i += 1) {
      const read = fetch(new URL('/v1/tasks?limit=20', profile.controlUrl), {
        headers: { authorization: `Bearer ${profile.token}` },
        signal,
      })
        .then(async (answer) => {
          await answer.arrayBuffer();
          answered += 1;
        })
        .catch(() => undefined)
        .finally(() => open.delete(read));
      open.add(read);
    }
    await pause(everyMs);
  }
  await Promise.all(open);
  return answered;
}

/** Closed ones: nobody but the list has anything to do with them. */
async function listTimes(bed: Bed, count: number): Promise<{ readonly ours: number[]; readonly bare: number[] }> {
  const { postgres, installation } = bed;
  const { profile } = installation;
  await postgres.query(
    `INSERT INTO estop.tasks (task_id, agent_id, root_id, ancestors, agents, keys, epoch, depth, purpose, kind, requested_by, state, outcome, closed_at)
     SELECT t, '${mark}', t, '{}', ARRAY['${mark}'], ARRAY['fleet', 'task:' || t], 0, 0, $1, 'task', 'bench', 'closed', 'done', clock_timestamp()
     FROM (SELECT 'task_${profile.environment}_' || '9' || lpad(n::text, 25, '0') AS t FROM generate_series(1, ${listed}) n) x`,
    [mark],
  );
  try {
    const [ours, bare]: [number[], number[]] = [[], []];
    for (let i = 0; i < count; i += 1) {
      let begun = performance.now();
      const answer = await fetch(new URL('/v1/tasks?limit=50', profile.controlUrl), {
        headers: { authorization: `Bearer ${profile.token}` },
      });
      await answer.arrayBuffer();
      ours.push(performance.now() - begun);
      begun = performance.now();
      await postgres.query('SELECT * FROM estop.tasks ORDER BY registered_at DESC, task_id DESC LIMIT 51');
      bare.push(performance.now() - begun);
    }
    return { ours, bare };
  } finally {
    await postgres.query('DELETE FROM estop.tasks WHERE purpose = $1', [mark]);
  }
}
