import { setTimeout as sleep } from 'node:timers/promises';
import { callTool } from '../call-tool.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/** From the stop's acknowledgement to the abort that the upstream itself sees, in the upstream's own log. */
export const inFlightAbort: Row = {
  name: 'in-flight-abort',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const count = quick ? 15 : 60;
    const delays: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const { taskId } = await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
      const { token } = await bed.operator.tasks.token(taskId);
      const calling = callTool(bed.installation.profile.gatewayUrl, token, 'slow_report', { seconds: 20 });
      while (!bed.tools.calls().some((call) => call.taskId === taskId)) await sleep(5);
      await bed.operator.stops.stop({ task: taskId }, { reason: 'bench' });
      const acknowledgedAt = Date.now();
      if (await calling) throw new Error('a call in flight was answered in spite of the stop');
      let abortedAt: number | undefined;
      for (let waited = 0; abortedAt === undefined && waited < 5_000; waited += 5) {
        abortedAt = bed.tools.calls().find((call) => call.taskId === taskId)?.abortedAt;
        await sleep(5);
      }
      delays.push((abortedAt ?? Number.POSITIVE_INFINITY) - acknowledgedAt);
    }
    return [
      figure({
        name: 'latch to abort of an in-flight call p99',
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
