import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes, WorkflowIdReusePolicy } from '@temporalio/common';
import type {
  AgentTaskInput,
  ApproveMessage,
  CloseMessage,
  HoldMessage,
  TaskStatus,
  TimelineEntry,
} from '../contract/agent-task.ts';
import type { Log } from '../contract/identity.ts';
import {
  agentTaskWorkflowId,
  namespaces,
  queries,
  queues,
  searchAttributes,
  signals,
  workflowTypes,
} from '../contract/names.ts';
import { EstopError } from '../core/errors.ts';
import { retriedSteps } from './retried-steps.ts';
import type { TaskMessage, TaskWorkflows } from './task-workflows.ts';

const startPatienceMs = 3_000;
const tellPatienceMs = 2_000;
const askPatienceMs = 2_000;

const keys = {
  agent: defineSearchAttributeKey(searchAttributes.agent, 'KEYWORD'),
  task: defineSearchAttributeKey(searchAttributes.task, 'KEYWORD'),
  rootTask: defineSearchAttributeKey(searchAttributes.rootTask, 'KEYWORD'),
  epoch: defineSearchAttributeKey(searchAttributes.epoch, 'INT'),
  state: defineSearchAttributeKey(searchAttributes.state, 'KEYWORD'),
};

/** `client` gives the one for estop-agents, with the payload codec: prompts are sealed before they leave this process. */
export function createTaskWorkflows(client: () => Promise<Client>, log: Log): TaskWorkflows {
  const within = async <Value>(patienceMs: number, work: (ready: Client) => Promise<Value>): Promise<Value> => {
    const ready = await client();
    return ready.withDeadline(Date.now() + patienceMs, () => work(ready));
  };
  return {
    start: async (input) => {
      try {
        const type = input.session === undefined ? workflowTypes.agentTask : workflowTypes.agentSession;
        await within(startPatienceMs, (ready) => ready.workflow.start(type, startOptions(input)));
        return 'started';
      } catch (cause) {
        if (nameOf(cause) === 'WorkflowExecutionAlreadyStartedError') return 'exists';
        throw new EstopError('temporal-unavailable', { cause });
      }
    },
    tell: async (taskId, message) => {
      try {
        await within(tellPatienceMs, (ready) =>
          ready.workflow.getHandle(agentTaskWorkflowId(taskId)).signal(signals[message.name], payloadOf(message)),
        );
        return true;
      } catch (cause) {
        log.warn(
          { event: 'task.not-told', taskId, message: message.name, cause: nameOf(cause) },
          'a task could not be told',
        );
        return false;
      }
    },
    ask: async (taskId) => {
      try {
        return await within(askPatienceMs, async (ready) => {
          const handle = ready.workflow.getHandle(agentTaskWorkflowId(taskId));
          const [status, timeline, { raw }] = await Promise.all([
            handle.query<TaskStatus>(queries.status),
            handle.query<TimelineEntry[]>(queries.timeline),
            handle.describe(),
          ]);
          return { status, timeline, retried: retriedSteps(raw.pendingActivities ?? []) };
        });
      } catch {
        return undefined;
      }
    },
    serverVersion: async () => {
      try {
        const info = await within(askPatienceMs, (ready) => ready.connection.workflowService.getSystemInfo({}));
        return info.serverVersion === '' ? 'unknown' : info.serverVersion;
      } catch (cause) {
        throw new EstopError('temporal-unavailable', { cause });
      }
    },
    isReachable: async () => {
      try {
        await within(tellPatienceMs, (ready) =>
          ready.connection.workflowService.describeNamespace({ namespace: namespaces.agents }),
        );
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** A task id is started once, ever: rule register-before-start makes the row, and a second workflow of it would have no row. */
/** Without a memo: it would be sealed like any payload, and then nobody's client could describe a task without our keys. */
function startOptions(input: AgentTaskInput) {
  return {
    workflowId: agentTaskWorkflowId(input.taskId),
    taskQueue: queues.agent,
    args: [input],
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: keys.agent, value: input.agentId },
      { key: keys.task, value: input.taskId },
      { key: keys.rootTask, value: input.rootTaskId },
      { key: keys.epoch, value: input.epoch },
      { key: keys.state, value: 'starting' },
    ]),
  };
}

function payloadOf(message: TaskMessage): ApproveMessage | HoldMessage | CloseMessage {
  switch (message.name) {
    case 'approve':
      return { approvalId: message.approvalId };
    case 'close':
      return { actor: message.actor };
    case 'hold':
    case 'release':
      return { messageId: message.messageId };
  }
}

/** By name: the SDK's classes may exist twice in one process. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : 'unknown';
}
