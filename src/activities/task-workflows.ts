import type { Client } from '@temporalio/client';
import type { TrustedActivities } from '../contract/activities.ts';
import type { KillMessage } from '../contract/agent-task.ts';
import { agentTaskWorkflowId, signals } from '../contract/names.ts';

/** What `describe` says of the newest run: a task that continues as new is open, whatever became of its older runs. */
export type TaskSight =
  | {
      readonly kind: 'open';
      readonly runId: string;
      readonly waitsForWorkerSince: Date | undefined;
      /** How long its history is: as long as that is the same, nothing new can be in it. */
      readonly events: number;
      readonly latchIsStuck: boolean;
    }
  | { readonly kind: 'closed'; readonly runId: string; readonly outcome: string }
  /** Never started, or deleted. */
  | { readonly kind: 'absent' };

/** The few things the control plane does to an agent's task. Each is safe to repeat. Throws what the server or the network threw. */
export interface TaskWorkflows {
  /** Asks it to end by itself: signal and cancel. A task that cannot be asked is cut later like any other. */
  windDown(taskId: string, message: KillMessage): Promise<void>;
  /** Cannot be ignored, needs no worker. True: it is over, by this call or before it. */
  terminate(taskId: string, reason: string): Promise<void>;
  look(taskId: string): Promise<TaskSight>;
}

const callMs = 5_000;
const latchActivity: keyof TrustedActivities = 'latchTask';
/** Healthy, it takes milliseconds. */
const latchStuckMs = 3_000;
const notFound = 5; // gRPC status
/** By WorkflowExecutionStatus. Completed without a word to the ledger is as much an end as any. */
const outcomes: Readonly<Record<number, string>> = {
  2: 'ended',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  7: 'timed-out',
};
const runningStatus = 1; // WORKFLOW_EXECUTION_STATUS_RUNNING; raw, because decoding what a task carries is no business of a stop

export function createTaskWorkflows(client: Client, identity: string): TaskWorkflows {
  const { namespace } = client.options;
  const { workflowService: service } = client;
  const at = (taskId: string) => ({ workflowId: agentTaskWorkflowId(taskId) });
  const bounded = <Result>(call: () => Promise<Result>): Promise<Result> =>
    client.withDeadline(Date.now() + callMs, call);

  return {
    windDown: async (taskId, message) => {
      const handle = client.workflow.getHandle(agentTaskWorkflowId(taskId));
      await Promise.allSettled([
        bounded(() => handle.signal(signals.kill, message)),
        bounded(() =>
          service.requestCancelWorkflowExecution({
            namespace,
            workflowExecution: at(taskId),
            identity,
            reason: message.reason ?? null,
          }),
        ),
      ]);
    },
    terminate: async (taskId, reason) => {
      try {
        await bounded(() =>
          service.terminateWorkflowExecution({ namespace, workflowExecution: at(taskId), reason, identity }),
        );
      } catch (thrown) {
        if (statusOf(thrown) !== notFound) throw thrown;
      }
    },
    look: async (taskId) => {
      try {
        const seen = await bounded(() => service.describeWorkflowExecution({ namespace, execution: at(taskId) }));
        const { status, execution, historyLength } = seen.workflowExecutionInfo ?? {};
        const runId = execution?.runId ?? '';
        if (status !== runningStatus) return { kind: 'closed', runId, outcome: outcomes[status ?? 0] ?? 'ended' };
        const since = seen.pendingWorkflowTask?.originalScheduledTime;
        return {
          kind: 'open',
          runId,
          events: Number(historyLength ?? 0),
          waitsForWorkerSince: since == null ? undefined : new Date(Number(since.seconds ?? 0) * 1_000),
          latchIsStuck: (seen.pendingActivities ?? []).some(
            ({ activityType, attempt, scheduledTime }) =>
              activityType?.name === latchActivity &&
              ((attempt ?? 0) > 2 || Date.now() - Number(scheduledTime?.seconds ?? 0) * 1_000 > latchStuckMs),
          ),
        };
      } catch (thrown) {
        if (statusOf(thrown) === notFound) return { kind: 'absent' };
        throw thrown;
      }
    },
  };
}

/** By number, never by class: the error crosses a library. */
export function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'number' ? thrown.code : undefined;
}
