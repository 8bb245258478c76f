import { call, type Store } from './pool.ts';
import { text } from './row.ts';

/** For a page of tasks: the stop that kills each, by the one rule. Closed tasks are left out, because nothing is left to kill. */
export async function taskKillers(store: Store, taskIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await call(
    store,
    'task_killers',
    `SELECT d.task_id, d.stop_id FROM (
       SELECT t.task_id, estop.dead_by(t.keys, t.agents, t.epoch) AS stop_id FROM estop.tasks t WHERE t.task_id = ANY ($1) AND t.state <> 'closed') d
     WHERE d.stop_id IS NOT NULL`,
    [taskIds],
  );
  return new Map(rows.map((row) => [text(row, 'task_id'), text(row, 'stop_id')]));
}
