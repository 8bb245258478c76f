import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { bareQueue, startBareWorker } from '../bare/bare-worker.ts';
import { type Bed, inWindow } from '../bed.ts';
import { type Figure, figure } from '../figure.ts';
import type { Row } from '../row.ts';

/** A fleet of running tasks under one stop, beside a bare loop that terminates and describes as many bare workflows. */
export const manyTasks: Row = {
  name: 'many-tasks',
  needs: 'bed',
  run: async (bed, { quick, say }): Promise<readonly Figure[]> => {
    const count = quick ? 1_000 : 10_000;
    const bareRate = await bareTerminateRate(bed, count, say);
    say(`starting ${count} tasks`);
    await inWindow(
      count,
      32,
      async () => void (await bed.service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' })),
    );
    const sentAt = Date.now();
    const receipt = await bed.operator.stops.stop({ agent: 'bench-bot' }, { reason: 'bench' });
    const view = await bed.operator.stops.wait(receipt.stopId, 'halted', { timeoutMs: 300_000 });
    const since = (stage: string): number =>
      Date.parse(view.stages.find((entry) => entry.stage === stage)?.at ?? '') - sentAt;
    const open = (
      await bed.postgres.query<{ n: string }>(
        "SELECT count(*) AS n FROM estop.tasks WHERE agent_id = 'bench-bot' AND state <> 'closed'",
      )
    ).rows[0]?.n;
    if (open !== '0') throw new Error(`${open ?? '?'} tasks are open after halted`);
    await bed.operator.stops.reset(receipt.stopId, { reason: 'bench' });
    return [
      figure({
        name: `${count} running tasks: fenced`,
        value: since('fenced'),
        unit: 'ms',
        rival: 1_000,
        rivalName: 'one second',
        bar: '< 1 s',
        holds: (value) => value < 1_000,
      }),
      figure({
        name: `${count} running tasks: closed and described`,
        value: view.tasks.halted / (since('halted') / 1_000),
        unit: '/s',
        rival: bareRate,
        rivalName: 'bare terminate-and-describe loop, 64 at a time',
        bar: '>= 0.8x',
        holds: (_value, ratio) => ratio >= 0.8,
      }),
    ];
  },
};

async function bareTerminateRate(
  { agents, installation }: Bed,
  count: number,
  say: (line: string) => void,
): Promise<number> {
  const bare = await startBareWorker(installation.profile.temporalAddress);
  const run = randomUUID();
  try {
    say(`starting ${count} bare workflows`);
    await inWindow(
      count,
      32,
      async (index) =>
        void (await agents.workflow.start('bareWait', { taskQueue: bareQueue, workflowId: `bare/${run}/${index}` })),
    );
    const begun = performance.now();
    await inWindow(count, 64, async (index) => {
      const handle = agents.workflow.getHandle(`bare/${run}/${index}`);
      await handle.terminate('bench');
      await handle.describe();
    });
    return count / ((performance.now() - begun) / 1_000);
  } finally {
    await bare.stop();
  }
}
