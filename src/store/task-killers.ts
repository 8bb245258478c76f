import { call, type Store } from './pool.ts';
import { text } from './row.ts';

/**
 * For a page of tasks: the stop that covers each. An open task's by the one rule; a closed task's is the first that was latched
 * while it was open, which is what an operator asks about it.
 */
export async function taskKillers(store: Store, taskIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await call(
    store,
    'task_killers',
    `SELECT d.task_id, d.stop_id FROM (
       SELECT t.task_id, CASE WHEN t.state <> 'closed' THEN estop.dead_by(t.keys, t.agents, t.epoch) ELSE (
         SELECT s.stop_id FROM estop.stops s
         WHERE s.scope_key = ANY (t.keys || ARRAY(SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = ANY (t.agents)))
           AND s.latched_at BETWEEN t.registered_at AND t.closed_at
         ORDER BY s.epoch LIMIT 1) END AS stop_id
       FROM estop.tasks t WHERE t.task_id = ANY ($1)) d
     WHERE d.stop_id IS NOT NULL`,
    [taskIds],
  );
  return new Map(rows.map((row) => [text(row, 'task_id'), text(row, 'stop_id')]));
}
