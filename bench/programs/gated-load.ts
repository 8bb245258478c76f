import { performance } from 'node:perf_hooks';
import { percentile } from '../figure.ts';
import { serveOrder } from '../program.ts';
import { keepAlive } from './keep-alive.ts';
import { openAtMost, paced } from './paced.ts';

export interface LoadOrder {
  readonly gatewayUrl: string;
  readonly taskToken: string;
  readonly callsPerSecond: number;
  readonly controlUrl: string;
  readonly operatorToken: string;
  readonly taskId: string;
  readonly readsPerSecond: number;
}

export interface LoadReport {
  readonly callsPerSecond: number;
  readonly readsPerSecond: number;
  /** Also those whose connection broke. */
  readonly refused: number;
  /** Due while as many as allowed were open: the system does not keep up. */
  readonly skipped: number;
  readonly callP50: number;
  readonly callP99: number;
  readonly cpuSeconds: number;
}

/** An open loop: the next call is due when it is due, whether or not those before it were answered. */
serveOrder<LoadOrder, LoadReport>(async (order, ended) => {
  const gateway = keepAlive(order.taskToken, openAtMost);
  const control = keepAlive(order.operatorToken, openAtMost);
  const latencies: number[] = [];
  let refused = 0;
  let reads = 0;
  const begun = performance.now();
  const call = async (): Promise<void> => {
    const sentAt = performance.now();
    const { status, text } = await gateway('POST', `${order.gatewayUrl}/mcp`, {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      // Of the tools the cheapest: what they take of the machine is taken from what is measured.
      params: { name: 'light__look', arguments: { note: 'load' } },
    });
    if (status !== 200 || text.includes('"isError":true')) refused += 1;
    else latencies.push(performance.now() - sentAt);
  };
  const read = async (): Promise<void> => {
    const path = reads % 2 === 0 ? `/v1/tasks/${order.taskId}` : '/v1/stops?limit=10';
    reads += 1;
    if ((await control('GET', `${order.controlUrl}${path}`)).status !== 200) refused += 1;
  };
  const onError = (): void => {
    refused += 1;
  };
  const [skipped] = await Promise.all([
    paced(order.callsPerSecond, call, onError, ended),
    paced(order.readsPerSecond, read, onError, ended),
  ]);
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage();
  return {
    callsPerSecond: latencies.length / seconds,
    readsPerSecond: reads / seconds,
    refused,
    skipped,
    callP50: percentile(latencies, 50),
    callP99: percentile(latencies, 99),
    cpuSeconds: (user + system) / 1e6,
  };
});
