import { setTimeout as sleep } from 'node:timers/promises';
import type { Bed } from '../bed.ts';
import { cpuLine, cpuSeconds } from '../cpu.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import { type Program, startProgram } from '../program.ts';
import type { LoadOrder, LoadReport } from '../programs/gated-load.ts';
import type { StopperOrder, StopperReport } from '../programs/stopper.ts';
import type { Row, RunOptions } from '../row.ts';

const callsPerSecond = 200;
const readsPerSecond = 20;
const saturatedCallsPerSecond = 5_000;
/**
 * Every stop starts a fan-out, which costs the control worker, Temporal and the store about 0.2 CPU seconds over its next six
 * seconds, whatever it covers. At ten stops a second these alone fill both cores of a small machine, and the figure is that of a
 * hundred stops worked off at once. At this pace a dozen are always under way, which is more than any incident has.
 */
const everyMs = 400;

/** The clock of both rows that order stops. */
export function startStopper({ installation: { profile, postgres } }: Bed, count: number): Program<StopperReport> {
  return startProgram<StopperReport>('stopper', {
    stopUrl: profile.stopUrl,
    token: profile.token,
    environment: profile.environment,
    postgresUrl: postgres.url(`estop_${profile.environment}`),
    count,
    everyMs,
  } satisfies StopperOrder);
}

/**
 * HTTP in, durable commit, HTTP out, beside a bare one-row commit in the same database, in turn with it. The clock and the load
 * stand in processes of their own. A stop names a task that does not exist: it is as real as any, and there is nothing to halt.
 */
export const stopLatched: Row = {
  name: 'stop-latched',
  needs: 'bed',
  run: async (bed, options): Promise<readonly Figure[]> => {
    await bareCommits(bed);
    const paced = await measured(bed, options, callsPerSecond, options.quick ? 20 : 300);
    const pacedFigures = figuresOf(paced, `${callsPerSecond} gated calls/s`, 10);
    if (options.quick) return pacedFigures;
    const saturated = await measured(bed, options, saturatedCallsPerSecond, 50);
    return [...pacedFigures, ...figuresOf(saturated, 'saturated gateway', undefined)];
  },
};

/** Where the stopper commits its bare rows. */
export async function bareCommits({ postgres }: Bed): Promise<void> {
  await postgres.query(
    'CREATE TABLE IF NOT EXISTS bench_commits (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now())',
  );
}

function figuresOf({ stops, commits, answers }: StopperReport, load: string, barMs: number | undefined): Figure[] {
  return [50, 99].map((p) =>
    figure({
      name: `stop latched p${p} of ${stops.length}, ${load}`,
      value: percentile(stops, p),
      unit: 'ms',
      rival: percentile(commits, p),
      rivalName: `bare commit of one row; an HTTP answer without any ${percentile(answers, p).toFixed(2)} ms`,
      bar: p === 99 && barMs !== undefined ? `<= ${barMs} ms` : '-',
      holds: (value) => p !== 99 || barMs === undefined || value <= barMs,
    }),
  );
}

async function measured(bed: Bed, { say }: RunOptions, perSecond: number, count: number): Promise<StopperReport> {
  const { installation } = bed;
  const { profile } = installation;
  const { taskId } = await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
  const { token } = await bed.operator.tasks.token(taskId);
  const load = startProgram<LoadReport>('gated-load', {
    gatewayUrl: profile.gatewayUrl,
    taskToken: token,
    callsPerSecond: perSecond,
    controlUrl: profile.controlUrl,
    operatorToken: profile.token,
    taskId,
    readsPerSecond,
  } satisfies LoadOrder);
  await sleep(1_000);
  const before = cpuSeconds(installation);
  const stopper = startStopper(bed, count);
  try {
    const report = await stopper.report;
    say(`${count} stops in ${(count * everyMs) / 1_000} s. ${cpuLine(before, cpuSeconds(installation))}`);
    return report;
  } finally {
    const done = await load.end();
    say(
      `load: ${done.callsPerSecond.toFixed(0)} calls/s answered (p50 ${done.callP50.toFixed(1)}, p99 ${done.callP99.toFixed(1)} ms), ${done.refused} refused, ${done.skipped} not sent because too many were open, ${done.cpuSeconds.toFixed(2)} CPU s`,
    );
  }
}
