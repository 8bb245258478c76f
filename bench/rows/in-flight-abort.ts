import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type McpLogLine, readMcpLog } from '../../examples/demo/mcp-server.ts';
import type { Bed } from '../bed.ts';
import { callTool } from '../call-tool.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/** One stop cuts them all: so many more delays to take a percentile of. */
const callsAtOnce = 14;

/** From the stop's acknowledgement to the abort that the upstream itself sees, in the upstream's own log. */
export const inFlightAbort: Row = {
  name: 'in-flight-abort',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const stops = quick ? 10 : 60;
    const delays: number[] = [];
    for (let i = 0; i < stops; i += 1) delays.push(...(await stopInFlight(bed)));
    return [
      figure({
        name: `latch to abort of an in-flight call, p99 of ${delays.length}`,
        value: Math.max(0, percentile(delays, 99)),
        unit: 'ms',
        rival: 500,
        rivalName: "Temporal's heartbeat, throttled to 500 ms",
        bar: '<= 100 ms',
        holds: (value) => value <= 100,
      }),
    ];
  },
};

async function stopInFlight(bed: Bed): Promise<readonly number[]> {
  const { taskId } = await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
  const { token } = await bed.operator.tasks.token(taskId);
  const call = () => callTool(bed.installation.profile.gatewayUrl, token, 'slow_report', { seconds: 20 });
  const calling = Array.from({ length: callsAtOnce }, call);
  await untilLogged(bed, taskId, 'arrived', 30_000);
  await bed.operator.stops.stop({ task: taskId }, { reason: 'bench' });
  const acknowledgedAt = Date.now();
  if ((await Promise.all(calling)).includes(true))
    throw new Error('a call in flight was answered in spite of the stop');
  const aborted = await untilLogged(bed, taskId, 'aborted', 5_000);
  const never = Array.from({ length: callsAtOnce - aborted.length }, () => Number.POSITIVE_INFINITY);
  return [...aborted.map(({ at }) => at - acknowledgedAt), ...never];
}

/** What there is in the end, also if it is less than all. Not looked at while anything is timed: the upstream is in this process. */
async function untilLogged(
  { folder }: Bed,
  taskId: string,
  event: McpLogLine['event'],
  patienceMs: number,
): Promise<readonly McpLogLine[]> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const seen = readMcpLog(join(folder, 'mcp-calls.jsonl')).filter((l) => l.event === event && l.taskId === taskId);
    if (seen.length >= callsAtOnce || Date.now() > giveUpAt) return seen;
    await sleep(10);
  }
}
