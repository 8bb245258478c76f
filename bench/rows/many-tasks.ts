import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { searchAttributes, workflowTypes } from '../../src/contract/names.ts';
import { errorCodeOf } from '../../src/core/errors.ts';
import { bareQueue, startBareWorker } from '../bare/start-bare-worker.ts';
import { type Bed, inWindow } from '../bed.ts';
import { cpuLine, cpuSeconds } from '../cpu.ts';
import { type Figure, figure } from '../figure.ts';
import type { OwnRunOptions, Row } from '../row.ts';

const pollMs = 200;
/** What the starts still owe the server: timers and task queues of what is over. */
const settleMs = 3_000;
const quickSettleMs = 500;

/**
 * A fleet of running tasks under one stop, beside a bare loop that terminates and describes as many bare workflows. Both fleets are
 * at work before the clock starts, and a member of either is listed as running and waits for one activity; that of a bare one is
 * never picked up, so that nothing beats for it. A rate needs no thousand of them. Our clock starts at the order and ends at the stamp of `halted`.
 */
export const manyTasks: Row = {
  name: 'many-tasks',
  needs: 'bed',
  setsUp: true,
  run: async (bed, options): Promise<readonly Figure[]> => {
    const { quick, say } = options;
    const count = quick ? 1_000 : 10_000;
    const bareRate = await bareTerminateRate(bed, options);
    const cpu = () => cpuSeconds(bed.installation);
    const idle = cpu();
    say(`starting ${count} tasks`);
    await inWindow(count, 64, () => startTask(bed));
    say('started; until all of them run');
    await untilAllRun(bed, count);
    await sleep(quick ? quickSettleMs : settleMs);
    const running = cpu();
    say(`stopping them. ${cpuLine(idle, running)}`);
    const sentAt = Date.now();
    const receipt = await bed.operator.stops.stop({ agent: 'bench-bot' }, { reason: 'bench' });
    const view = await bed.operator.stops.wait(receipt.stopId, 'halted', { timeoutMs: 900_000 });
    say(`halted. ${cpuLine(running, cpu())}`);
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
        rivalName: 'terminate-and-describe loop over bare workflows, each with one open activity, 64 at a time',
        bar: '>= 0.8x',
        holds: (_value, ratio) => ratio >= 0.8,
      }),
    ];
  },
};

/** A server that is given ten thousand starts at once is late with one of them now and then; the start is not what is measured. */
async function startTask({ service }: Bed): Promise<void> {
  for (;;) {
    try {
      await service.tasks.start({ agentId: 'bench-bot', prompt: 'bench' });
      return;
    } catch (thrown) {
      if (errorCodeOf(thrown) !== 'temporal-unavailable') throw thrown;
      await sleep(1_000);
    }
  }
}

/** Begun in the ledger, and their first workflow tasks are over: what is stopped is a fleet at work, not a queue of starts. */
async function untilAllRun({ postgres, agents }: Bed, count: number): Promise<void> {
  const begun = async (): Promise<number> =>
    Number(
      (await postgres.query<{ n: string }>("SELECT count(*) AS n FROM estop.tasks WHERE state = 'running'")).rows[0]?.n,
    );
  while ((await begun()) < count) await sleep(pollMs);
  await untilListed(agents, workflowTypes.agentTask, count);
}

async function untilListed(agents: Client, type: string, count: number): Promise<void> {
  const query = `WorkflowType = '${type}' AND ExecutionStatus = 'Running' AND ${searchAttributes.state} = 'running'`;
  while ((await agents.workflow.count(query)).count < count) await sleep(pollMs);
}

/** The same requests for the same kind of workflow, by nobody who writes anything down or looks at anything else. */
async function bareTerminateRate(bed: Bed, { quick, say, alone }: OwnRunOptions): Promise<number> {
  const { agents, installation } = bed;
  const count = quick ? 300 : 10_000;
  const bare = await startBareWorker(bed);
  const cpu = () => cpuSeconds(installation, { 'bare worker': bare.pid });
  const run = randomUUID();
  try {
    say(`starting ${count} bare workflows`);
    await inWindow(
      count,
      32,
      async (index) =>
        void (await agents.workflow.start('bareRunning', { taskQueue: bareQueue, workflowId: `bare/${run}/${index}` })),
    );
    await untilListed(agents, 'bareRunning', count);
    await alone();
    await sleep(quick ? quickSettleMs : settleMs);
    say('ending them');
    const before = cpu();
    const begun = performance.now();
    await inWindow(count, 64, async (index) => {
      const handle = agents.workflow.getHandle(`bare/${run}/${index}`);
      await handle.terminate('bench');
      await handle.describe();
    });
    const rate = count / ((performance.now() - begun) / 1_000);
    say(cpuLine(before, cpu()));
    return rate;
  } finally {
    await bare.end();
  }
}
