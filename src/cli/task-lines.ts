import type { Task, TaskHistory } from '../contract/http/tasks.ts';
import { plural } from '../contract/plural.ts';
import { renderFields } from './table.ts';
import { visible } from './visible.ts';
import { exact } from './when.ts';

/** A stop says more than the state does. */
export const stateOf = (row: Task): string => {
  if (row.state === 'closed') return `closed (${row.outcome ?? 'unknown'})`;
  if (row.stoppedBy !== null) return 'stopping';
  return row.held ? `${row.state}, held` : row.state;
};

export function taskLines(found: Task, now: number): readonly string[] {
  return renderFields([
    ['task', found.taskId],
    ['agent', found.agentId],
    ...(found.kind === 'task' ? [] : [['kind', found.kind] as const]),
    ['state', stateOf(found)],
    ...(found.stoppedBy === null ? [] : [['stopped by', found.stoppedBy] as const]),
    ...(found.parentTaskId === null ? [] : [['parent', found.parentTaskId] as const]),
    ['purpose', found.purpose === '' ? '-' : found.purpose],
    ['requested by', found.requestedBy],
    ['started', exact(found.registeredAt, now)],
    ...(found.closedAt === null ? [] : [['closed', exact(found.closedAt, now)] as const]),
    ['epoch', String(found.epoch)],
    ['workflow', found.workflow.url ?? `${found.workflow.namespace} ${found.workflow.workflowId}`],
  ]);
}

type Retried = NonNullable<TaskHistory['live']>['retried'][number];

function retriedLine({ activity, attempt, failedWith, nextAt }: Retried): string {
  const next = nextAt === null ? 'being tried now' : `next try at ${nextAt.slice(11, 19)}Z`;
  return `${visible(activity)} failed ${plural(attempt - 1, 'time')}, last with ${visible(failedWith ?? 'an unknown error')}; ${next}`;
}

export function historyLines(
  { task: found, entries, truncated, live }: TaskHistory,
  asked: boolean,
  now: number,
): readonly string[] {
  return [
    ...taskLines(found, now),
    '',
    ...entries.map(
      (entry) =>
        `${entry.at.slice(11, 23)}  ${visible(entry.what)}${entry.by === null ? '' : `  (${visible(entry.by)})`}`,
    ),
    ...(truncated ? ['.. older entries are not shown'] : []),
    ...(asked && live === null ? ['', 'The workflow did not answer; what stands above is the ledger alone.'] : []),
    ...(live === null
      ? []
      : [
          '',
          // One that was terminated never heard of its end, and answers from its history as if it were at work.
          `workflow${found.closedAt === null ? '' : ', as it last was'}: ${visible(live.state)}, step ${live.step}, ${plural(live.tokensUsed, 'token')}`,
          ...live.timeline.map((entry) => `${visible(entry.at.slice(11, 23))}  ${visible(entry.what)}`),
          ...live.retried.map(retriedLine),
        ]),
  ];
}
