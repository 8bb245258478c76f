import { call, type Store } from './pool.ts';
import { text } from './row.ts';

export interface CoveringStop {
  readonly stopId: string;
  readonly scopeKey: string;
}

const most = 20;

/**
 * The other stops in force over all that this one covers: without it they keep it stopped, so that a reset of this one frees nothing.
 * Those over a part of it (one task of an agent) are none of them. Oldest first, at most 20. rule: dead-iff-in-force-or-younger
 */
export async function otherStopsOver(store: Store, stopId: string): Promise<readonly CoveringStop[]> {
  const query = `
    SELECT o.stop_id, o.scope_key
    FROM estop.stops s JOIN estop.stops o ON o.stop_id <> s.stop_id AND o.reset_at IS NULL
    LEFT JOIN estop.tasks t ON s.scope_key LIKE 'task:%' AND t.task_id = substr(s.scope_key, 6)
    WHERE s.stop_id = $1 AND (
      o.scope_key IN (s.scope_key, 'fleet')
      OR o.scope_key = ANY (t.keys) OR t.agents && estop.labelled_agents(o.scope_key, o.epoch)
      OR s.scope_key LIKE 'agent:%' AND substr(s.scope_key, 7) = ANY (estop.labelled_agents(o.scope_key, o.epoch)))
    ORDER BY o.epoch LIMIT ${most}`;
  const rows = await call(store, 'other_stops_over', query, [stopId]);
  return rows.map((row) => ({ stopId: text(row, 'stop_id'), scopeKey: text(row, 'scope_key') }));
}
