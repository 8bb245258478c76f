import { type IncomingMessage, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { percentile } from '../figure.ts';
import { serveOrder } from '../program.ts';
import { keepAlive } from './keep-alive.ts';
import { openAtMost, paced } from './paced.ts';

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
  const ask = keepAlive(order.token, openAtMost);
  const times: number[] = [];
  let refused = 0;
  const read = async (): Promise<void> => {
    const begun = performance.now();
    if ((await ask('GET', `${order.controlUrl}/v1/tasks?limit=20`)).status === 200)
      times.push(performance.now() - begun);
    else refused += 1;
  };
  const onError = (): void => {
    refused += 1;
  };
  const skipped = await paced(order.readsPerSecond, read, onError, ended);
  for (const stream of streams) stream.destroy();
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
function watch({ controlUrl, token }: WatchersOrder, delays: number[]): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const seen = new Set<string>();
    // What was latched before is told as well once it comes further, and is no news of a latch.
    const begunAt = Date.now();
    const sent = request(`${controlUrl}/v1/events`, { headers: { authorization: `Bearer ${token}` }, agent: false });
    sent.once('error', reject);
    sent.once('response', (response) => {
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        const now = Date.now();
        const text = chunk.toString('latin1');
        if (text.includes('event: hello')) resolve(response);
        for (const [, stopId, at] of text.matchAll(
          /event: stop\ndata: \{"stopId":"([^"]+)".*?"stage":"latched","at":"([^"]+)"/g,
        )) {
          if (stopId === undefined || at === undefined || seen.has(stopId) || Date.parse(at) < begunAt) continue;
          seen.add(stopId);
          delays.push(now - Date.parse(at));
        }
      });
    });
    sent.end();
  });
}
