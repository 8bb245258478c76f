import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentTaskWorkflowId, signals } from '../../src/contract/names.ts';
import { bareQueue, startBareWorker } from '../bare/bare-worker.ts';
import type { Bed } from '../bed.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

/** From the signal to the closed workflow: ours latches a stop in between, the rival just returns. In turn, on the same server. */
export const killToClosed: Row = {
  name: 'kill-to-closed',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const count = quick ? 30 : 200;
    const bare = await startBareWorker(bed.installation.profile.temporalAddress);
    const [ours, rivals]: [number[], number[]] = [[], []];
    try {
      for (let i = 0; i < count + 5; i += 1) {
        const [mine, theirs] = [await killOurs(bed), await killBare(bed)];
        if (i < 5) continue; // warm-up
        ours.push(mine);
        rivals.push(theirs);
      }
    } finally {
      await bare.stop();
    }
    return [50, 99].map((p) =>
      figure({
        name: `kill signal to task closed p${p}`,
        value: percentile(ours, p),
        unit: 'ms',
        rival: percentile(rivals, p),
        rivalName: 'bare workflow with a signal',
        bar: p === 99 ? '<= 1.5x' : '-',
        holds: (_value, ratio) => p !== 99 || ratio <= 1.5,
      }),
    );
  },
};

async function killOurs({ service, agents }: Bed): Promise<number> {
  const { taskId } = await service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
  const handle = agents.workflow.getHandle(agentTaskWorkflowId(taskId));
  while ((await service.tasks.get(taskId)).state !== 'running') await sleep(5);
  await sleep(20);
  return timed(async () => {
    await handle.signal(signals.kill);
    await handle.result().catch(() => undefined); // however it ends, it has ended; its sealed answer is not read here
  });
}

async function killBare({ agents }: Bed): Promise<number> {
  const handle = await agents.workflow.start('bareWait', { taskQueue: bareQueue, workflowId: `bare/${randomUUID()}` });
  await sleep(20);
  return timed(async () => {
    await handle.signal(signals.kill);
    await handle.result();
  });
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}
