import { expect } from 'vitest';
import { oneCall } from '../../src/core/budget.ts';
import { emptyDelta } from '../../src/core/flow/task-flow.ts';
import { admit } from '../../src/store/calls.ts';
import { openFlow } from '../../src/store/task-flows.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { terms, tool } from './calls.ts';
import { addAgent, digestOf, keepBeating, type Ledger, newId, startTask } from './ledger.ts';

export const delta = (calls: number) => emptyDelta(calls);

/** A task whose request was registered. */
export async function begin(l: Ledger): Promise<TaskRecord> {
  await keepBeating(l);
  const task = await startTask(l, await addAgent(l));
  expect(await openFlow(l.as('estop_control'), { taskId: task.taskId, keyId: 'flow-1', delta: delta(0) })).toBe(true);
  return task;
}

/** A call of it, by a judgement that knows of the entries up to `flowSeq`. */
export async function call(
  l: Ledger,
  gatewayId: string,
  task: TaskRecord,
  flowSeq?: number,
): Promise<{ callId: string; kind: string }> {
  const callId = newId('call');
  const { taskId, epoch, keys } = task;
  const asked = {
    ...terms,
    worst: oneCall,
    callId,
    gatewayId,
    taskId,
    tokenEpoch: epoch,
    keys,
    toolKey: tool,
    needsApproval: false,
    flowSeq,
  };
  return { callId, kind: (await admit(l.as('estop_gateway'), { ...asked, digest: digestOf(callId) })).kind };
}
