import { msToTs } from '@temporalio/common/lib/time.js';
import { beforeAll, expect, it } from 'vitest';
import type { AgentSpec } from '../../src/contract/config.ts';
import { agentTaskWorkflowId, queues } from '../../src/contract/names.ts';
import { latch } from '../../src/store/latch.ts';
import { stopProgress } from '../../src/store/stop-progress.ts';
import { registerChild, registerRoot } from '../../src/store/task-registration.ts';
import { beginTask, checkTask, closeTasks, getTask } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { sealingClient } from '../kit/sealing-client.ts';
import { addAgent, agentSpec, mustLatch, newId, order, startTask, stop, stopAgent } from '../store/ledger.ts';
import { type Rig, startRig, startTaskWorkflow, until } from './rig.ts';

requires('temporal')('halting what a stop covers', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig();
    rig.work();
    // A grace counts from the latch: the worker shall not have to begin by loading its code in it.
    const { stopId } = await stopAgent(rig.ledger, await rig.agent());
    await reached(stopId, 'haltedAt');
  });

  const reached = (stopId: string, stamp: 'haltedAt' | 'provedAt') =>
    until(async () => {
      const seen = await stopProgress(rig.ledger.as('estop_control'), stopId);
      return seen?.[stamp] !== undefined && seen;
    });
  const statusOf = async (taskId: string): Promise<string> =>
    (await rig.agents.workflow.getHandle(agentTaskWorkflowId(taskId)).describe()).status.name;
  const isClosed = async (taskId: string): Promise<boolean> =>
    (await getTask(rig.ledger.as('estop_control'), taskId))?.state === 'closed';

  it('closes three hundred running tasks at a stop of the fleet, and says so only then', async () => {
    const agents = [await rig.agent(), await rig.agent(), await rig.agent()];
    const tasks = [];
    for (let index = 0; index < 300; index += 6) {
      tasks.push(
        ...(await Promise.all(
          Array.from({ length: 6 }, (_, offset) => rig.task(agents[(index + offset) % 3] ?? rejectNoAgent())),
        )),
      );
    }
    const { stopId } = await stop(rig.ledger, 'fleet');
    const { tasks: counts } = await reached(stopId, 'haltedAt');
    expect(counts).toEqual({ covered: 300, halted: 300 });
    const statuses = new Set(await Promise.all(tasks.map(({ taskId }) => statusOf(taskId))));
    expect(statuses).toEqual(new Set(['TERMINATED']));
    await reached(stopId, 'provedAt');
    await rig.ledger.sql(
      "UPDATE estop.stops SET reset_at = clock_timestamp(), reset_epoch = estop.current_epoch() + 1, reset_by = 'x', reset_reason = 'x' WHERE stop_id = $1",
      [stopId],
    );
  }, 120_000);

  it('asks first under category 1, and cuts when the grace is over', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const { stopId, latchedAt } = mustLatch(
      await latch(rig.ledger.as('estop_stop'), order(`agent:${agent.agentId}`, { category: 1, graceMs: 6_000 })),
    );
    await reached(stopId, 'haltedAt');
    const { events } = await rig.agents.workflow.getHandle(agentTaskWorkflowId(task.taskId)).fetchHistory();
    const kinds = (events ?? []).map((event) => Object.keys(event).find((key) => key.endsWith('EventAttributes')));
    expect(kinds).toEqual(
      expect.arrayContaining([
        'workflowExecutionSignaledEventAttributes',
        'workflowExecutionCancelRequestedEventAttributes',
        'workflowExecutionTerminatedEventAttributes',
      ]),
    );
    const closedAt = (await getTask(rig.ledger.as('estop_control'), task.taskId))?.closedAt ?? '';
    expect(Date.parse(closedAt) - Date.parse(latchedAt)).toBeGreaterThanOrEqual(6_000);
  });

  it('closes a task that was registered and never started, and its late start is refused', async () => {
    const agent = await addAgent(rig.ledger);
    const task = await startTask(rig.ledger, agent);
    const { stopId } = await stopAgent(rig.ledger, agent);
    await reached(stopId, 'haltedAt');
    expect((await getTask(rig.ledger.as('estop_control'), task.taskId))?.outcome).toBe('never-started');
    expect(await beginTask(rig.ledger.as('estop_trusted'), task.taskId)).toEqual({ kind: 'closed' });
  });

  it('leaves nothing running of a storm of tasks that are started while it runs', async () => {
    const agent = await rig.agent();
    const started: string[] = [];
    const storm = async (): Promise<void> => {
      for (;;) {
        const taskId = newId('task');
        const outcome = await registerRoot(rig.ledger.as('estop_control'), {
          taskId,
          agent,
          purpose: 'storm',
          requestedBy: 'rita',
        });
        if (outcome.kind !== 'registered') return;
        await startTaskWorkflow(rig.agents, outcome.task);
        started.push(taskId);
      }
    };
    const storms = Array.from({ length: 6 }, storm);
    await until(async () => started.length > 30);
    const { stopId } = await stopAgent(rig.ledger, agent);
    await Promise.all(storms);
    await reached(stopId, 'provedAt');
    const statuses = await Promise.all(started.map(statusOf));
    expect(statuses.filter((status) => status === 'RUNNING')).toEqual([]);
    expect(await Promise.all(started.map(isClosed))).not.toContain(false);
  }, 60_000);

  it('leaves nothing running of a storm of children, and theirs, that other agents start below a stopped task', async () => {
    const helper = await rig.agent();
    const limits = { ...agentSpec('x').limits, maxFanOut: 100_000 };
    const other = await rig.agent({ mayStart: [helper.agentId], limits });
    const lead = await rig.agent({ mayStart: [other.agentId], limits });
    const root = await rig.task(lead);
    const apart = await rig.task(other);
    const begun = { children: [] as string[], theirs: [] as string[] };
    const refusals = new Set<string | undefined>();
    /** Each child has one of its own at once, of a third agent; both are workflows that no parent’s end closes. */
    const start = async (
      parentTaskId: string,
      parentAgent: AgentSpec,
      agent: AgentSpec,
    ): Promise<string | undefined> => {
      const request = { taskId: newId('task'), parentTaskId, parentAgent, agent, purpose: 'storm' };
      const outcome = await registerChild(rig.ledger.as('estop_trusted'), request);
      if (outcome.kind !== 'registered') {
        refusals.add(outcome.kind === 'stopped' ? outcome.stopId : outcome.kind);
        return undefined;
      }
      await startTaskWorkflow(rig.agents, outcome.task);
      return request.taskId;
    };
    const storm = async (): Promise<void> => {
      for (;;) {
        const child = await start(root.taskId, lead, other);
        if (child === undefined) return;
        begun.children.push(child);
        const its = await start(child, other, helper);
        if (its !== undefined) begun.theirs.push(its);
      }
    };
    const storms = Array.from({ length: 6 }, storm);
    await until(async () => begun.theirs.length > 30);
    const { stopId } = await stop(rig.ledger, `task:${root.taskId}`);
    await Promise.all(storms);
    await reached(stopId, 'provedAt');
    expect(refusals).toEqual(new Set([stopId]));
    for (const ids of [[root.taskId], begun.children, begun.theirs]) {
      expect(new Set(await Promise.all(ids.map(statusOf)))).toEqual(new Set(['TERMINATED']));
      expect(new Set(await Promise.all(ids.map(isClosed)))).toEqual(new Set([true]));
    }
    expect(await statusOf(apart.taskId)).toBe('RUNNING');
  }, 60_000);

  it('finds a stray that nobody registered, older than the stop, and not one that is younger or of another agent', async () => {
    const agent = await rig.agent();
    const other = await rig.agent();
    const stray = { taskId: newId('task'), agentId: agent.agentId, rootId: '' };
    const bystander = { taskId: newId('task'), agentId: other.agentId, rootId: '' };
    await startTaskWorkflow(rig.agents, stray);
    await startTaskWorkflow(rig.agents, bystander);
    const { stopId } = await stopAgent(rig.ledger, agent);
    const younger = { taskId: newId('task'), agentId: agent.agentId, rootId: '' };
    await startTaskWorkflow(rig.agents, younger);
    await reached(stopId, 'provedAt');
    expect(await statusOf(stray.taskId)).toBe('TERMINATED');
    expect(await statusOf(bystander.taskId)).toBe('RUNNING');
    expect(await statusOf(younger.taskId)).toBe('RUNNING');
  });

  it('finds a stray that carries what nobody here can read', async () => {
    const agent = await rig.agent();
    const stray = { taskId: newId('task'), agentId: agent.agentId, rootId: '' };
    const foreign = sealingClient(rig.agents);
    await startTaskWorkflow(foreign, stray, 'nobody', { note: 'sealed', and: 'junk' });
    const { stopId } = await stopAgent(rig.ledger, agent);
    await reached(stopId, 'provedAt');
    const { status } = await foreign.workflow.getHandle(agentTaskWorkflowId(stray.taskId)).describe();
    expect(status.name).toBe('TERMINATED');
  });

  it('finds a task that runs on although its row was closed too early', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    await closeTasks(rig.ledger.as('estop_trusted'), [task.taskId], 'done');
    const { stopId } = await stopAgent(rig.ledger, agent);
    await reached(stopId, 'provedAt');
    expect(await statusOf(task.taskId)).toBe('TERMINATED');
  });

  it('latches for a task that was killed with Temporal’s own means and whose worker is dead', async () => {
    const agent = await rig.agent();
    const task = await rig.task(agent);
    const grant = await rig.grant(task);
    await rig.agents.workflow.getHandle(agentTaskWorkflowId(task.taskId)).signal('kill');
    const stopId = await until(async () => {
      const [row] = await rig.ledger.sql('SELECT stop_id FROM estop.stops WHERE scope_key = $1', [
        `task:${task.taskId}`,
      ]);
      return row === undefined ? undefined : String(row['stop_id']);
    });
    const progress = await reached(stopId, 'provedAt');
    expect(progress.stop.method).toBe('watchdog');
    expect(await statusOf(task.taskId)).toBe('TERMINATED');
    expect(rig.target.count('cut fence', grant)).toBe(1);
  });

  it('latches for a killed task that has taken the kill up, while the workers that should latch are dead', async () => {
    const agent = await rig.agent();
    const taskId = newId('task');
    const [workflowId, taskQueue] = [agentTaskWorkflowId(taskId), `queue of ${taskId}`];
    await startTaskWorkflow(rig.agents, { taskId, agentId: agent.agentId, rootId: taskId }, taskQueue);
    await rig.agents.workflow.getHandle(workflowId).signal('kill');
    const { workflowService: service } = rig.agents;
    const { namespace } = rig.agents.options;
    // The agent's worker does what the workflow does first; nobody serves the trusted queue.
    const { taskToken } = await rig.agents.withDeadline(Date.now() + 60_000, () =>
      service.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
    );
    await service.respondWorkflowTaskCompleted({
      namespace,
      taskToken,
      commands: [
        {
          commandType: 1, // COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK
          scheduleActivityTaskCommandAttributes: {
            activityId: '1',
            activityType: { name: 'latchTask' },
            taskQueue: { name: queues.trusted },
            scheduleToCloseTimeout: msToTs(600_000),
            startToCloseTimeout: msToTs(2_000),
          },
        },
      ],
    });
    // In the ledger only now: the eye for kills that nobody takes up would have been quicker than a starved test.
    await startTask(rig.ledger, agent, taskId);
    await beginTask(rig.ledger.as('estop_trusted'), taskId);
    await until(
      async () =>
        (await rig.ledger.sql('SELECT 1 FROM estop.stops WHERE scope_key = $1', [`task:${taskId}`])).length > 0,
    );
    expect(await checkTask(rig.ledger.as('estop_control'), taskId)).toHaveProperty('stopId');
  });
});

function rejectNoAgent(): never {
  throw new Error('no agent');
}
