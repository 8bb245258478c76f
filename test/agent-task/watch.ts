import { expect } from 'vitest';
import { lookUntil } from '../kit/look-until.ts';
import type { Stack, TaskHandle } from './kit.ts';

export const taskIdOf = ({ workflowId }: Pick<TaskHandle, 'workflowId'>): string => workflowId.slice('task/'.length);

/** A machine that starves is waited for; shorter than the shortest time that a test has as a whole. */
const patienceMs = 45_000;

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await lookUntil(condition, { patienceMs, longestMs: 250 });
}

export async function untilState(stack: Stack, handle: TaskHandle, state: string): Promise<void> {
  const what = `the task to be ${state}`;
  await lookUntil(async () => (await stack.status(handle)).state === state, { what, patienceMs, longestMs: 400 });
}

/** The approval that the task waits for. */
export async function untilAsked(stack: Stack, handle: TaskHandle): Promise<string> {
  await untilState(stack, handle, 'awaiting-approval');
  const { openApprovals } = await stack.status(handle);
  return openApprovals[0] ?? '';
}

/** Tools of the calls that arrived at the MCP server, by its own log. */
export function callsOf(stack: Stack, handle: TaskHandle): readonly string[] {
  return stack.tools.calls().flatMap(({ taskId, tool }) => (taskId === taskIdOf(handle) ? [tool] : []));
}

export async function expectStopped(handle: TaskHandle): Promise<{ readonly stopId: string }> {
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'stopped', stopId: expect.stringMatching(/^stop_test_[0-9a-z]{26}$/) });
  expect((await handle.describe()).status.name).toBe('COMPLETED');
  return { stopId: result.stopId ?? '' };
}

/** How often an activity was scheduled in one run. */
export async function scheduled(handle: Pick<TaskHandle, 'fetchHistory'>, activity: string): Promise<number> {
  const { events } = await handle.fetchHistory();
  const names = (events ?? []).map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);
  return names.filter((name) => name === activity).length;
}

export async function scheduledInAllRuns(stack: Stack, { workflowId }: TaskHandle, activity: string): Promise<number> {
  let sum = 0;
  let runId: string | undefined = (await stack.client.workflow.getHandle(workflowId).describe()).runId;
  while (runId !== undefined) {
    const run: Pick<TaskHandle, 'fetchHistory'> = stack.client.workflow.getHandle(workflowId, runId);
    sum += await scheduled(run, activity);
    runId = await runBefore(run);
  }
  return sum;
}

async function runBefore(run: Pick<TaskHandle, 'fetchHistory'>): Promise<string | undefined> {
  const { events } = await run.fetchHistory();
  const id = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  return id === '' || id === null ? undefined : id;
}
