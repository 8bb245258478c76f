import { createServer } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isBind, parseBind } from '../../src/runtime/metrics/bind.ts';
import { openMetrics } from '../../src/runtime/metrics/open-metrics.ts';
import { serveMetrics } from '../../src/runtime/metrics/serve-metrics.ts';
import { openStopMetrics } from '../../src/stop/metrics.ts';
import { recordingLog } from '../revocation/rig.ts';
import { scrape, valueOf } from './figures.ts';

async function served(now?: () => number) {
  const registry = new Registry();
  let made = 0;
  const counter = new Counter({ name: 'made_total', help: 'x', registers: [registry] });
  const counting = {
    contentType: registry.contentType,
    metrics: () => {
      made += 1;
      counter.inc();
      return registry.metrics();
    },
  };
  const server = await serveMetrics({ bind: '127.0.0.1:0', registry: counting, ...(now === undefined ? {} : { now }) });
  onTestFinished(() => server.close());
  return { url: `${server.url}/metrics`, made: () => made };
}

describe('where figures are shown', () => {
  it('makes the page once a second, however often it is asked for', async () => {
    let at = 0;
    const { url, made } = await served(() => at);
    for (let asked = 0; asked < 20; asked += 1) await scrape(url);
    expect(made()).toBe(1);
    at = 1_000;
    await scrape(url);
    expect(made()).toBe(2);
  });

  it('keeps few connections open at a time, and shows the page all the same', async () => {
    const { url } = await served();
    const { hostname, port } = new URL(url);
    const sockets = await Promise.all(
      Array.from(
        { length: 12 },
        () =>
          new Promise<Socket>((resolve, reject) => {
            const socket = connect(Number(port), hostname, () => resolve(socket));
            socket.once('error', reject);
          }),
      ),
    );
    onTestFinished(() => sockets.forEach((socket) => socket.destroy()));
    sockets.forEach((socket) => socket.resume());
    const open = () => sockets.filter((socket) => !socket.closed).length;
    await vi.waitFor(() => expect(open()).toBe(8));
    expect((await fetch(url)).status).toBe(200);
    await vi.waitFor(() => expect(open()).toBe(7));
  });

  it('shows nothing else, and takes nothing', async () => {
    const { url } = await served();
    expect((await fetch(url.replace('/metrics', '/'))).status).toBe(404);
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
    const answer = await fetch(url);
    expect(answer.headers.get('content-type')).toContain('text/plain');
  });

  it.each(['127.0.0.1:9464', '[::1]:9464', 'localhost:0', '0.0.0.0:65535'])('listens at %s', (bind) => {
    expect(isBind(bind)).toBe(true);
    expect(parseBind(bind)).toEqual({
      host: bind.replace(/:\d+$/, '').replace(/[[\]]/g, ''),
      port: Number(bind.split(':').at(-1)),
    });
  });

  it.each(['9464', ':9464', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', 'http://127.0.0.1:1', 'a b:1'])(
    'does not take %j for an address',
    (bind) => {
      expect(isBind(bind)).toBe(false);
    },
  );

  it('leaves a process alone whose port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { log, logged } = recordingLog();
    const metrics = await openMetrics({ processName: 'x', bind: `127.0.0.1:${port}`, log });
    expect(metrics).toBeDefined();
    expect(JSON.stringify(logged)).toContain('metrics.not-shown');
    await metrics?.close();
  });

  it('listens nowhere unless it was told where', async () => {
    const { log, logged } = recordingLog();
    expect(await openMetrics({ processName: 'x', bind: undefined, log })).toBeUndefined();
    expect(await openStopMetrics(undefined, log)).toBeUndefined();
    expect(logged).toEqual([]);
  });

  it('says of a latch that was never seen to commit that it is infinitely old, not that it is new', async () => {
    const { log, logged } = recordingLog();
    const watch = await openStopMetrics('127.0.0.1:0', log);
    watch?.show(() => ({ beatAgeMs: undefined, warmLines: 0, intakeWarm: false }));
    const url = /http:\/\/[^"]+\/metrics/.exec(JSON.stringify(logged))?.[0] ?? '';
    const figures = await scrape(url);
    expect(valueOf(figures, 'estop_beat_age_seconds')).toBe(Number.POSITIVE_INFINITY);
    expect(valueOf(figures, 'estop_intake_warm')).toBe(0);
    // All outcomes are there before the first, so that an increase from nothing is one.
    expect(valueOf(figures, 'estop_stop_requests_total', 'outcome="failed"')).toBe(0);
  });
});
