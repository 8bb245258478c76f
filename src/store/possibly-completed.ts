import { call, type Store } from './pool.ts';
import { text } from './row.ts';

export interface UnknownCall {
  readonly callId: string;
  readonly taskId: string;
  readonly toolKey: string;
  readonly gatewayId: string;
  readonly admittedAt: string;
}

/** The calls that `count_possibly_completed` counts, by the same condition: what an operator must go and look at. */
export async function possiblyCompletedCalls(
  store: Store,
  stopId: string,
  limit: number,
): Promise<readonly UnknownCall[]> {
  const rows = await call(
    store,
    'possibly_completed',
    `SELECT c.call_id, c.task_id, c.tool_key, c.gateway_id, c.admitted_at
     FROM estop.stops s, LATERAL (SELECT estop.labelled_agents(s.scope_key, s.epoch) AS agents) l, estop.calls c
     WHERE s.stop_id = $1
       AND ((c.outcome = 'possibly-completed' AND c.settled_at >= s.latched_at)
         OR (c.settled_at IS NULL AND c.gateway_id IN (SELECT r.gateway_id FROM estop.stop_gateways r WHERE r.stop_id = $1 AND r.outcome = 'expired')))
       AND (s.reset_at IS NULL OR c.epoch < s.epoch)
       AND (c.keys @> ARRAY[s.scope_key] OR EXISTS (SELECT 1 FROM estop.tasks t WHERE t.task_id = c.task_id AND t.agents && l.agents))
     ORDER BY c.admitted_at, c.call_id LIMIT $2`,
    [stopId, limit],
  );
  return rows.map((row) => ({
    callId: text(row, 'call_id'),
    taskId: text(row, 'task_id'),
    toolKey: text(row, 'tool_key'),
    gatewayId: text(row, 'gateway_id'),
    admittedAt: text(row, 'admitted_at'),
  }));
}
