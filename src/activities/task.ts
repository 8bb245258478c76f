import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BeginDecision, ChildDecision, TrustedActivities } from '../contract/activities.ts';
import type { AgentTaskInput } from '../contract/agent-task.ts';
import type { AgentSpec, ConfigSource } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import type { StopOrder } from '../contract/stop.ts';
import { traceOfOrder } from '../contract/tracing.ts';
import { EstopError } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import { taskKey } from '../core/scope-key.ts';
import { countCalls } from '../store/call-counts.ts';
import { beat, latch } from '../store/latch.ts';
import type { Store } from '../store/pool.ts';
import { type Registration, registerChild } from '../store/task-registration.ts';
import { beginTask, checkTask, closeTasks, getTask } from '../store/tasks.ts';

const lookMs = 250;

type TaskActivities = Pick<
  TrustedActivities,
  'beginTask' | 'latchTask' | 'stopOf' | 'callsOf' | 'registerChild' | 'endTask'
>;

interface TaskDependencies {
  readonly store: Store;
  readonly latchStore: Store;
  readonly config: ConfigSource;
  readonly log: Log;
}

export function createTaskActivities({ store, latchStore, config, log }: TaskDependencies): TaskActivities {
  const agentOf = (agentId: string): AgentSpec | undefined =>
    config.current().agents.find((agent) => agent.agentId === agentId);

  return {
    beginTask: async (taskId): Promise<BeginDecision> => {
      const beginning = await beginTask(store, taskId);
      if (beginning.kind !== 'running') return beginning;
      const agentId = (await getTask(store, taskId))?.agentId ?? '';
      return {
        kind: 'running',
        grants: agentOf(agentId)?.grants.flatMap(({ name, when }) => (when === 'first-use' ? [] : [name])) ?? [],
      };
    },

    latchTask: async ({ taskId, stopId, reason, actor }) => {
      const covered = await lookBriefly(store, taskId);
      if (covered !== undefined) {
        // Visible is not acknowledged: its commit may be on this server alone. A beat is confirmed no sooner than what was before it.
        if (await beat(latchStore, 'estop-trusted-kill')) return { stopId: covered };
        throw new EstopError('store-unavailable', { detail: 'the stop that covers the task was not acknowledged' });
      }
      const order: StopOrder = {
        stopId,
        scopeKey: taskKey(taskId),
        category: 0,
        graceMs: 0,
        reason,
        actor,
        method: 'signal',
        ...traceOfOrder(),
      };
      const result = await latch(latchStore, order);
      if (result.kind !== 'id-taken') return acknowledged(result);
      log.error({ event: 'stop.id-taken', stopId, taskId }, 'the stop id of this task belongs to another stop');
      return acknowledged(await latch(latchStore, { ...order, stopId: freshStopId(config.current().environment) }));
    },

    stopOf: async (taskId) => {
      const check = await checkTask(store, taskId);
      return check?.stopId === undefined ? {} : { stopId: check.stopId };
    },

    callsOf: (taskId) => countCalls(store, taskId),

    registerChild: async ({ parentTaskId, childTaskId, agentId, prompt }): Promise<ChildDecision> => {
      const agent = agentOf(agentId);
      const parentAgent = agentOf((await getTask(store, parentTaskId))?.agentId ?? '');
      if (agent === undefined || parentAgent === undefined) return { kind: 'refused', reason: 'unknown-agent' };
      const registration = await registerChild(store, {
        taskId: childTaskId,
        parentTaskId,
        parentAgent,
        agent,
        // The prompt is content: it goes into the encrypted history alone.
        purpose: `started by ${parentTaskId}`,
      });
      return decisionOf(registration, agent, prompt);
    },

    /** The workflow's own last word. Whoever ends a workflow from outside is seen by the watchdog instead. */
    endTask: async ({ taskId, outcome }) => {
      await closeTasks(store, [taskId], outcome);
    },
  };
}

/**
 * The stop that covers the task already, if that can be said at once. The look reads tables of allow paths; whatever keeps it
 * waiting, or fails it, must not keep the latch waiting, which touches none of them. Latching once more does no harm.
 */
async function lookBriefly(store: Store, taskId: string): Promise<string | undefined> {
  const look = checkTask(store, taskId).then(
    (check) => check?.stopId,
    () => undefined,
  );
  return Promise.race([look, sleep(lookMs, undefined, { ref: false })]);
}

function acknowledged(result: Awaited<ReturnType<typeof latch>>): { readonly stopId: string } {
  if (result.kind === 'latched') return { stopId: result.stopId };
  // The same order, with the same id, is sent again by Temporal until it is latched.
  throw new EstopError('store-unavailable', { detail: `the latch was not acknowledged: ${result.kind}` });
}

function freshStopId(environment: string): string {
  return formatId('stop', environment, randomBytes(16));
}

function decisionOf(registration: Registration, agent: AgentSpec, prompt: string): ChildDecision {
  switch (registration.kind) {
    case 'stopped':
      return { kind: 'refused', reason: 'stopped', stopId: registration.stopId };
    case 'refused':
      return registration;
    case 'registered': {
      const { task } = registration;
      const input: AgentTaskInput = {
        taskId: task.taskId,
        agentId: task.agentId,
        rootTaskId: task.rootId,
        epoch: task.epoch,
        prompt,
        modelId: agent.model,
        limits: agent.limits,
      };
      return { kind: 'registered', input };
    }
    default:
      return registration satisfies never;
  }
}
