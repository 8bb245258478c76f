import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { RetriedStep } from './task-workflows.ts';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

const longestName = 100;

/** What has failed and is tried again: without it, a task whose model cannot be reached looks like one that is at work. */
export function retriedSteps(pending: readonly Pending[]): readonly RetriedStep[] {
  return pending
    .filter(({ lastFailure }) => lastFailure !== null && lastFailure !== undefined)
    .map(({ activityType, attempt, lastFailure, nextAttemptScheduleTime }) => ({
      activity: (activityType?.name ?? '').slice(0, longestName),
      attempt: attempt ?? 1,
      // The message is sealed; its type is the code of our error.
      failedWith: lastFailure?.applicationFailureInfo?.type?.slice(0, longestName) ?? null,
      nextAt: asInstant(nextAttemptScheduleTime),
    }));
}

function asInstant(time: Pending['nextAttemptScheduleTime']): string | null {
  if (time === null || time === undefined) return null;
  return new Date(Number(time.seconds ?? 0) * 1_000 + (time.nanos ?? 0) / 1e6).toISOString();
}
