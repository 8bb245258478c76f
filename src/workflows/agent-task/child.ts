import { TypedSearchAttributes } from '@temporalio/common';
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
} from '@temporalio/workflow';
import type { AgentTaskInput, AgentTaskResult } from '../../contract/agent-task.ts';
import { agentTaskWorkflowId, queues, workflowTypes } from '../../contract/names.ts';
import { ledger } from './activities.ts';
import { mintId } from './ids.ts';
import { attributeKeys } from './record.ts';

export interface ChildOrder {
  readonly agentId: string;
  readonly prompt: string;
}

export type ChildOutcome =
  | { readonly kind: 'ended'; readonly taskId: string; readonly result: AgentTaskResult }
  /** Failed, was cancelled or terminated. */
  | { readonly kind: 'failed'; readonly taskId: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly stopId?: string };

/**
 * A child is registered, with all its ancestors and under their caps, before its workflow exists: what is not in the ledger
 * could not be stopped. A parent that closes asks its children to cancel; each then asks the ledger whether a stop covers it.
 * ABANDON: it is the parent's close that reaches them, not its kill, because by then the stop is latched and they find it.
 */
export async function runChild(parent: AgentTaskInput, environment: string, order: ChildOrder): Promise<ChildOutcome> {
  const childTaskId = mintId('task', environment);
  const decision = await ledger.registerChild({ parentTaskId: parent.taskId, childTaskId, ...order });
  if (decision.kind === 'refused') return decision;
  const { taskId } = decision.input;
  try {
    return { kind: 'ended', taskId, result: await startAndWait(decision.input) };
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    return { kind: 'failed', taskId };
  }
}

function startAndWait(input: AgentTaskInput): Promise<AgentTaskResult> {
  return executeChild<(input: AgentTaskInput) => Promise<AgentTaskResult>>(workflowTypes.agentTask, {
    workflowId: agentTaskWorkflowId(input.taskId),
    taskQueue: queues.agent,
    args: [input],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.ABANDON,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: attributeKeys.agent, value: input.agentId },
      { key: attributeKeys.task, value: input.taskId },
      { key: attributeKeys.rootTask, value: input.rootTaskId },
      { key: attributeKeys.epoch, value: input.epoch },
    ]),
  });
}
