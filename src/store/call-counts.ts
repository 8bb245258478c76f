import type { CallCounts } from '../contract/activities.ts';
import { callOne, type Store } from './pool.ts';
import { int, present, textOrUndefined } from './row.ts';

/** By outcome, over the life of one task. */
export async function countCalls(store: Store, taskId: string): Promise<CallCounts> {
  const row = await callOne(
    store,
    'count_calls',
    `SELECT count(*) FILTER (WHERE outcome IS DISTINCT FROM 'denied') AS admitted, count(*) FILTER (WHERE outcome = 'completed') AS completed,
       count(*) FILTER (WHERE outcome = 'failed') AS failed, count(*) FILTER (WHERE outcome = 'possibly-completed') AS unknown,
       max(admitted_at) AS last_at
     FROM estop.calls WHERE task_id = $1`,
    [taskId],
  );
  return {
    admitted: int(row, 'admitted'),
    completed: int(row, 'completed'),
    failed: int(row, 'failed'),
    unknown: int(row, 'unknown'),
    ...present({ lastAt: textOrUndefined(row, 'last_at') }),
  };
}
