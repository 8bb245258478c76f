import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';
import { linesLostSoFar } from '../log-writer.ts';
import { readVersion } from '../package-version.ts';

const lagResolutionMs = 20;
const nanosecondsInSecond = 1e9;
const microsecondsInSecond = 1e6;

/**
 * What every process says of itself, under the names that the usual dashboards for Node know. Picked by hand instead of prom-client's
 * default set: that one walks /proc and the heap's spaces at every scrape, and the stop process has nothing to spare for it.
 */
export function createRegistry(processName: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ process: processName });
  const registers = [registry];
  new Gauge({ name: 'estop_build_info', help: 'Always 1; which version runs.', labelNames: ['version'], registers })
    .labels(readVersion())
    .set(1);
  new Gauge({ name: 'process_start_time_seconds', help: 'When it started, in seconds since 1970.', registers }).set(
    Math.round(performance.timeOrigin) / 1_000,
  );
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory that is resident.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  let seenCpu = 0;
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const now = (user + system) / microsecondsInSecond;
      this.inc(Math.max(0, now - seenCpu));
      seenCpu = now;
    },
  });
  let seenLost = 0;
  new Counter({
    name: 'estop_log_lines_lost_total',
    help: 'Lines of its log that found no room: the disk was full, or the reader slow.',
    registers,
    collect() {
      this.inc(linesLostSoFar() - seenLost);
      seenLost = linesLostSoFar();
    },
  });
  const delay = monitorEventLoopDelay({ resolution: lagResolutionMs });
  delay.enable();
  // The histogram counts the pause between its own ticks as well, so the resolution is taken off.
  const lag = (nanoseconds: number): number =>
    Math.max(0, (Number.isNaN(nanoseconds) ? 0 : nanoseconds) / nanosecondsInSecond - lagResolutionMs / 1_000);
  new Gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help: 'How late the event loop came, 99th percentile since the last reading.',
    registers,
    collect() {
      this.set(lag(delay.percentile(99)));
    },
  });
  new Gauge({
    name: 'nodejs_eventloop_lag_max_seconds',
    help: 'How late the event loop came at worst since the last reading.',
    registers,
    collect() {
      this.set(lag(delay.max));
      delay.reset();
    },
  });
  return registry;
}
