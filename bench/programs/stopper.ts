import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { formatId } from '../../src/core/ids.ts';
import { createLog } from '../../src/runtime/log.ts';
import { raisePriority } from '../../src/stop/raise-priority.ts';
import { serveOrder } from '../program.ts';
import { keepAlive } from './keep-alive.ts';

export interface StopperOrder {
  readonly stopUrl: string;
  readonly token: string;
  readonly environment: string;
  readonly postgresUrl: string;
  readonly count: number;
  readonly everyMs: number;
}

export interface StopperReport {
  readonly stops: readonly number[];
  readonly commits: readonly number[];
  /** A request that this process answers without its store. */
  readonly answers: readonly number[];
}

/** Who orders a stop sits at another machine: here it must not wait for a processor that the load has, or that is what it measures. */
raisePriority(createLog('bench', 'error'));

const warmUpEveryMs = 100;

/** Only measures: one stop, one bare commit and one empty request in turn, evenly spaced, each over a connection that is warm. */
serveOrder<StopperOrder, StopperReport>(async (order) => {
  const ask = keepAlive(order.token, 1);
  const postgres = new Client({ connectionString: order.postgresUrl });
  await postgres.connect();
  const [stops, commits, answers]: [number[], number[], number[]] = [[], [], []];
  const placeStop = async (): Promise<void> => {
    const id = (kind: 'task' | 'stop') => formatId(kind, order.environment, randomBytes(16));
    const { status, text } = await ask('POST', `${order.stopUrl}/v1/stops`, {
      stopId: id('stop'),
      scopeKey: `task:${id('task')}`,
      reason: 'bench',
    });
    if (status !== 200 || !text.includes('"latched"')) throw new Error(`the stop was not latched: ${status} ${text}`);
  };
  const commit = async (): Promise<void> => {
    await postgres.query({ name: 'bare', text: 'INSERT INTO bench_commits DEFAULT VALUES' });
  };
  const live = async (): Promise<void> => void (await ask('GET', `${order.stopUrl}/livez`));
  const warmUp = 5;
  const turn = async (i: number, begun: number, everyMs: number): Promise<void> => {
    for (const [part, [work, into]] of (
      [
        [placeStop, stops],
        [commit, commits],
        [live, answers],
      ] as const
    ).entries()) {
      await sleep(Math.max(0, begun + (i + part / 3) * everyMs - performance.now()));
      const sentAt = performance.now();
      await work();
      into.push(performance.now() - sentAt);
    }
  };
  const warmUpAt = performance.now();
  for (let i = 0; i < warmUp; i += 1) await turn(i, warmUpAt, warmUpEveryMs);
  for (const times of [stops, commits, answers]) times.length = 0;
  const begun = performance.now();
  for (let i = 0; i < order.count; i += 1) await turn(i, begun, order.everyMs);
  await postgres.end();
  return { stops, commits, answers };
});
