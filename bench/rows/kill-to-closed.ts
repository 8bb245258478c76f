import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { agentTaskWorkflowId, signals, taskIdOfWorkflow } from '../../src/contract/names.ts';
import { bareQueue, startBareWorker } from '../bare/start-bare-worker.ts';
import type { Bed } from '../bed.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import type { Row } from '../row.ts';

const warmUp = 5;
const restMs = 20;
/** Tasks that wait for their model beat, and each beat is a write that both would wait for: only so many stand ready at one time. */
const atOnce = 12;

/**
 * From the signal to the closed workflow: ours latches a stop in between, the rival just returns. In turn on the same
 * server, each with its worker in a process of its own. What our stop has begun is still under way after it: so each of the two
 * follows itself as often as the other.
 */
export const killToClosed: Row = {
  name: 'kill-to-closed',
  needs: 'bed',
  run: async (bed, { quick }): Promise<readonly Figure[]> => {
    const count = warmUp + (quick ? 31 : 200);
    const bare = await startBareWorker(bed);
    const [ours, rivals]: [number[], number[]] = [[], []];
    try {
      while (ours.length < count) {
        // At once: what is measured is the end of one that runs, not the start of another.
        const pairs = await Promise.all(
          Array.from({ length: atOnce }, () => Promise.all([startTask(bed), startBare(bed)])),
        );
        await untilRunning(
          bed,
          pairs.map(([{ workflowId }]) => workflowId),
        );
        for (const [index, [task, workflow]] of pairs.entries()) {
          const turns = [
            [task, ours],
            [workflow, rivals],
          ] as const;
          for (const [handle, into] of index % 2 === 0 ? turns : turns.toReversed()) {
            into.push(await killed(handle));
            await sleep(restMs);
          }
        }
      }
    } finally {
      await bare.end();
    }
    return [50, 99].map((p) => {
      const of = (all: readonly number[]): number => percentile(all.slice(warmUp, count), p);
      return figure({
        name: `kill signal to task closed p${p} of ${count - warmUp}`,
        value: of(ours),
        unit: 'ms',
        rival: of(rivals),
        rivalName: 'bare workflow with a signal',
        bar: p === 99 ? '<= 1.5x' : '-',
        holds: (_value, ratio) => p !== 99 || ratio <= 1.5,
      });
    });
  },
};

async function startTask({ service, agents }: Bed): Promise<WorkflowHandle> {
  const { taskId } = await service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
  return agents.workflow.getHandle(agentTaskWorkflowId(taskId));
}

/** The ledger is asked, once for all of them: questions to the API would slow down the very starts that are waited for. */
async function untilRunning({ postgres }: Bed, workflowIds: readonly string[]): Promise<void> {
  const taskIds = workflowIds.map((workflowId) => taskIdOfWorkflow(workflowId));
  const others = "SELECT FROM estop.tasks WHERE task_id = ANY ($1) AND state <> 'running'";
  while ((await postgres.query(others, [taskIds])).rowCount !== 0) await sleep(50);
}

function startBare({ agents }: Bed): Promise<WorkflowHandle> {
  return agents.workflow.start('bareWait', { taskQueue: bareQueue, workflowId: `bare/${randomUUID()}` });
}

async function killed(handle: WorkflowHandle): Promise<number> {
  const begun = performance.now();
  await handle.signal(signals.kill);
  await handle.result().catch(() => undefined); // however it ends, it has ended; the sealed answer of ours is not read here
  return performance.now() - begun;
}
