import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { agentTaskWorkflowId } from '../../src/contract/names.ts';
import { type Bed, toolCallsOfSteps } from '../bed.ts';
import { cpuLine, cpuSeconds } from '../cpu.ts';
import { type Figure, figure, percentile } from '../figure.ts';
import { startProgram } from '../program.ts';
import type { BareAgentOrder } from '../programs/bare-agent.ts';
import type { Row } from '../row.ts';
import { breakdownOf, type TimedRun } from '../steps-breakdown.ts';

const warmUp = 3;
const taskQueue = 'bench-bare-agent';

/** From the request to the closed workflow, in turn on the same server: same scripted model, same tools; the rival has no gate. */
export const agentSteps: Row = {
  name: 'agent-steps',
  needs: 'bed',
  run: async (bed, { quick, say }): Promise<readonly Figure[]> => {
    const count = quick ? 8 : 100;
    const worker = startProgram('bare-agent', {
      temporalAddress: bed.installation.profile.temporalAddress,
      taskQueue,
      bundlePath: bed.rivalsPath,
      modelUrl: bed.model.baseUrl,
      toolsUrl: bed.tools.url,
    } satisfies BareAgentOrder);
    const [ours, rivals]: [TimedRun[], TimedRun[]] = [[], []];
    const cpu = () => cpuSeconds(bed.installation, { 'bare worker': worker.pid });
    let before = cpu();
    try {
      for (let i = 0; i < count + warmUp; i += 1) {
        if (i === warmUp) before = cpu();
        const [mine, theirs] = [await timed(() => runOurs(bed)), await timed(() => runBare(bed))];
        if (i < warmUp) continue;
        ours.push(mine);
        rivals.push(theirs);
      }
      await requireDone(bed, count + warmUp);
      say(`${count} of each. ${cpuLine(before, cpu())}`);
    } finally {
      await worker.end();
    }
    say(`agentTask: ${await breakdownOf(bed.agents, ours)}`);
    say(`bare: ${await breakdownOf(bed.agents, rivals)}`);
    const median = (runs: readonly TimedRun[]): number =>
      percentile(
        runs.map(({ sentAt, seenAt }) => seenAt - sentAt),
        50,
      );
    return [
      figure({
        name: `agent task with ${toolCallsOfSteps} tool calls, median`,
        value: median(ours),
        unit: 'ms',
        rival: median(rivals),
        rivalName: 'a bare workflow making the same calls ungated',
        bar: '<= 1.2x',
        holds: (_value, ratio) => ratio <= 1.2,
      }),
    ];
  },
};

async function timed(run: () => Promise<string>): Promise<TimedRun> {
  const sentAt = performance.timeOrigin + performance.now();
  const workflowId = await run();
  return { workflowId, sentAt, seenAt: performance.timeOrigin + performance.now() };
}

async function runOurs({ service, agents }: Bed): Promise<string> {
  const { taskId } = await service.tasks.start({ agentId: 'steps-bot', prompt: 'bench' });
  const workflowId = agentTaskWorkflowId(taskId);
  // Its result is sealed, and so not read here; the ledger is asked how they all ended.
  await agents.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => undefined);
  return workflowId;
}

async function requireDone({ postgres }: Bed, count: number): Promise<void> {
  const { rows } = await postgres.query<{ n: string }>(
    "SELECT count(*) AS n FROM estop.tasks WHERE agent_id = 'steps-bot' AND outcome = 'done'",
  );
  if (Number(rows[0]?.n) !== count) throw new Error(`of ${count} tasks ${rows[0]?.n ?? 'none'} were done`);
}

async function runBare({ agents }: Bed): Promise<string> {
  const workflowId = `bare-agent/${randomUUID()}`;
  const handle = await agents.workflow.start('bareAgent', { taskQueue, workflowId, args: ['bench'] });
  if ((await handle.result()) !== 'done') throw new Error('the bare agent did not come to its end');
  return workflowId;
}
