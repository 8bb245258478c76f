import { call, type Store } from './pool.ts';
import { int, type Row, text } from './row.ts';

/** What a stop of this scope would reach now. A preview never gates a stop: where it cannot be had in time, it says so. */
export type StopPreview =
  | {
      readonly kind: 'known';
      readonly openTasks: number;
      readonly agents: number;
      readonly openGrants: number;
      readonly openCalls: number;
      readonly examples: readonly PreviewExample[];
    }
  | { readonly kind: 'unknown' };

export interface PreviewExample {
  readonly taskId: string;
  readonly agentId: string;
}

export async function previewStop(store: Store, scopeKey: string): Promise<StopPreview> {
  try {
    const rows = await call(
      store,
      'preview',
      `WITH labelled AS (SELECT estop.labelled_agents($1, 0) AS agents),
         t AS (SELECT t.task_id, t.agent_id, t.kind, t.registered_at FROM estop.tasks t, labelled
           WHERE t.state <> 'closed' AND (t.keys @> ARRAY[$1] OR t.agents && labelled.agents))
       SELECT (SELECT count(*) FROM t) AS tasks, (SELECT count(DISTINCT agent_id) FROM t WHERE kind <> 'drill') AS agents,
         (SELECT count(*) FROM estop.grants g, labelled WHERE g.state <> 'ended' AND (g.keys @> ARRAY[$1] OR g.agents && labelled.agents)) AS grants,
         (SELECT count(*) FROM estop.calls c WHERE c.settled_at IS NULL AND (c.keys @> ARRAY[$1] OR c.task_id IN (SELECT task_id FROM t))) AS calls,
         e.task_id, e.agent_id
       FROM (SELECT 1) one LEFT JOIN (SELECT * FROM t ORDER BY registered_at DESC LIMIT 5) e ON true`,
      [scopeKey],
    );
    return previewOf(rows);
  } catch {
    return { kind: 'unknown' };
  }
}

function previewOf(rows: readonly Row[]): StopPreview {
  const [first] = rows;
  if (first === undefined) return { kind: 'unknown' };
  return {
    kind: 'known',
    openTasks: int(first, 'tasks'),
    agents: int(first, 'agents'),
    openGrants: int(first, 'grants'),
    openCalls: int(first, 'calls'),
    examples: rows
      .filter((row) => row['task_id'] !== null)
      .map((row) => ({ taskId: text(row, 'task_id'), agentId: text(row, 'agent_id') })),
  };
}
