import type { Client } from '@temporalio/client';
import type { CallContext, LedgerGrant } from '../kit/contract.ts';
import { startedPrefix } from './schedule.ts';
import type { Target } from './target.ts';

const atOnce = 16;

/**
 * Open workflows that began with this grant's schedule: what it started itself, and everything below, children that were let go
 * included. A grant's name holds letters, digits and `_` alone (kit/names.ts), so it needs no escaping.
 */
export function listRunning(target: Target, grant: LedgerGrant, context: CallContext): Promise<readonly string[]> {
  const query = `RootWorkflowId STARTS_WITH "${startedPrefix(grant)}" AND ExecutionStatus = "Running"`;
  return target.call('Listing workflows', context, (client) => list(client, query));
}

/** What the list says of one workflow, which may be behind what is true. */
export async function isListedAs(
  target: Target,
  workflowId: string,
  state: 'Running' | 'closed',
  context: CallContext,
): Promise<boolean> {
  const query = `WorkflowId = "${workflowId}" AND ExecutionStatus ${state === 'closed' ? '!=' : '='} "Running"`;
  return (await target.call('Listing workflows', context, (client) => list(client, query))).length > 0;
}

async function list(client: Client, query: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query, pageSize: 500 })) found.push(workflowId);
  return found;
}

/** A workflow that has closed, or is gone altogether, is as good as terminated. */
export async function terminateAll(
  target: Target,
  workflowIds: readonly string[],
  context: CallContext,
): Promise<void> {
  const left = [...new Set(workflowIds)];
  const work = async (): Promise<void> => {
    for (let workflowId = left.pop(); workflowId !== undefined; workflowId = left.pop()) {
      const id = workflowId;
      await target.find('Terminating a workflow', context, (client) =>
        client.workflow.getHandle(id).terminate('estop: terminated'),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, work));
}

export async function isRunning(
  target: Target,
  workflowId: string,
  context: CallContext,
): Promise<'yes' | 'no' | 'forgotten'> {
  const described = await target.find('Describing a workflow', context, (client) =>
    client.workflow.getHandle(workflowId).describe(),
  );
  if (described === 'not-found') return 'forgotten';
  return described.status.name === 'RUNNING' || described.status.name === 'PAUSED' ? 'yes' : 'no';
}
