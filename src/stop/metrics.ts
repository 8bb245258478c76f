import { Counter, Gauge, Histogram } from 'prom-client';
import type { Log } from '../contract/identity.ts';
import { openMetrics } from '../runtime/metrics/open-metrics.ts';
import type { StopFigures, StopWatch } from './watch.ts';

/** From what a commit takes to what makes a caller give up. */
const latchBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counted while stops are placed, from memory alone: showing it asks neither the store nor Temporal. */
export async function openStopMetrics(bind: string | undefined, log: Log): Promise<StopWatch | undefined> {
  const metrics = await openMetrics({ processName: 'stop', bind, log });
  if (metrics === undefined) return undefined;
  const registers = [metrics.registry];
  const latched = new Counter({
    name: 'estop_stops_latched_total',
    help: 'Stops that were latched, by what kind of scope.',
    labelNames: ['scope'],
    registers,
  });
  const requests = new Counter({
    name: 'estop_stop_requests_total',
    help: 'Orders to stop, by what came of them.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['latched', 'accepted', 'conflict', 'failed']) requests.labels(outcome).inc(0);
  const seconds = new Histogram({
    name: 'estop_stop_latch_seconds',
    help: 'From the order to its acknowledgement.',
    labelNames: ['outcome'],
    buckets: latchBuckets,
    registers,
  });
  seconds.zero({ outcome: 'latched' });
  const refused = new Counter({
    name: 'estop_stop_refused_total',
    help: 'Requests to the stop process that were refused, by error code.',
    labelNames: ['code'],
    registers,
  });
  let read: (() => StopFigures) | undefined;
  const figure = (name: string, help: string, value: (figures: StopFigures) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (read !== undefined) this.set(value(read()));
      },
    });
  };
  // Before the first mark there is no age; a gauge that says 0 would say that all is well.
  figure(
    'estop_beat_age_seconds',
    'Since the latch was last seen to commit; every lease hangs on it.',
    ({ beatAgeMs }) => (beatAgeMs === undefined ? Number.POSITIVE_INFINITY : beatAgeMs / 1_000),
  );
  figure('estop_latch_lines_open', 'Warm connections that a stop can be latched on.', ({ warmLines }) => warmLines);
  figure('estop_intake_warm', '1 if orders can go through Temporal while the store is away.', ({ intakeWarm }) =>
    intakeWarm ? 1 : 0,
  );
  return {
    placed: (scope, outcome, ms) => {
      requests.labels(outcome).inc();
      if (outcome === 'latched') latched.labels(scope).inc();
      seconds.labels(outcome).observe(ms / 1_000);
    },
    refused: (code) => refused.labels(code).inc(),
    show: (figures) => {
      read = figures;
    },
  };
}
