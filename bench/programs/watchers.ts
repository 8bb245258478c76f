import { performance } from 'node:perf_hooks';
import { percentile } from '../figure.ts';
import { serveOrder } from '../program.ts';
import { leanReader, leanStream } from './lean-client.ts';
import { paced } from './paced.ts';

export interface WatchersOrder {
  readonly controlUrl: string;
  readonly token: string;
  readonly watchers: number;
  readonly readsPerSecond: number;
}

export interface WatchersReport {
  /** From the ledger's own time of the latch until it is heard, of every stop and watcher; milliseconds, whole ones. */
  readonly delays: readonly number[];
  readonly reads: number;
  readonly refused: number;
  readonly skipped: number;
  readonly readP99: number;
  readonly cpuSeconds: number;
}

/** So many event streams, and beside them so many reads a second: whoever looks, in a process of their own. */
serveOrder<WatchersOrder, WatchersReport>(async (order, ended, ready) => {
  const delays: number[] = [];
  const streams = await Promise.all(Array.from({ length: order.watchers }, () => watch(order, delays)));
  ready();
  const reader = leanReader({ ...order, path: '/v1/tasks?limit=20' });
  const times: number[] = [];
  let refused = 0;
  const read = async (): Promise<void> => {
    const begun = performance.now();
    if ((await reader.ask()) === 200) times.push(performance.now() - begun);
    else refused += 1;
  };
  const onError = (): void => {
    refused += 1;
  };
  const skipped = await paced(order.readsPerSecond, read, onError, ended);
  for (const stream of streams) stream.close();
  reader.close();
  const { user, system } = process.cpuUsage();
  return {
    delays,
    reads: times.length,
    refused,
    skipped,
    readP99: percentile(times, 99),
    cpuSeconds: (user + system) / 1e6,
  };
});

/** Resolves once the stream says that nothing is missed from here on. */
function watch(order: WatchersOrder, delays: number[]): Promise<{ close(): void }> {
  return new Promise((resolve, reject) => {
    const seen = new Set<string>();
    // What was latched before is told as well once it comes further, and is no news of a latch.
    const begunAt = Date.now();
    const stream = leanStream({ ...order, path: '/v1/events' }, (text) => {
      const now = Date.now();
      if (text.includes('event: hello')) resolve(stream);
      for (let at = text.indexOf(stopBegins); at >= 0; at = text.indexOf(stopBegins, at + 1)) {
        const begin = at + stopBegins.length;
        const stopId = text.slice(begin, text.indexOf('"', begin));
        if (seen.has(stopId)) continue;
        const latchedAt = Date.parse(/"stage":"latched","at":"([^"]+)"/.exec(text.slice(begin))?.[1] ?? '');
        if (Number.isNaN(latchedAt) || latchedAt < begunAt) continue;
        seen.add(stopId);
        delays.push(now - latchedAt);
      }
    });
    stream.catch(reject);
  });
}

const stopBegins = 'event: stop\ndata: {"stopId":"';
