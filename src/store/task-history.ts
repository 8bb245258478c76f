import { call, type Store } from './pool.ts';
import { present, type Row, text, textOrUndefined } from './row.ts';

/** One thing that happened to a task, in the ledger's words. `about` and `note` are data: a reader's own words go around them. */
export interface TaskHistoryEntry {
  readonly at: string;
  readonly kind: string;
  readonly about?: string;
  readonly note?: string;
  readonly by?: string;
}

const statement = `
  WITH t AS (SELECT * FROM estop.tasks WHERE task_id = $1), e (at, kind, about, note, by) AS (
    SELECT registered_at, 'task.registered', agent_id, NULL, requested_by FROM t
    UNION ALL SELECT closed_at, 'task.closed', NULL, outcome, NULL FROM t WHERE closed_at IS NOT NULL
    UNION ALL SELECT c.registered_at, 'child.registered', c.task_id, c.agent_id, NULL FROM estop.tasks c WHERE c.parent_id = $1
    UNION ALL SELECT admitted_at, 'call.admitted', tool_key, call_id, NULL FROM estop.calls WHERE task_id = $1
    UNION ALL SELECT settled_at, 'call.settled', tool_key, outcome, NULL FROM estop.calls WHERE task_id = $1 AND settled_at IS NOT NULL
    UNION ALL SELECT at, 'call.refused', asked, concat_ws(', ', reason, 'by ' || nullif(array_to_string(policies, ' '), ''),
        'digest ' || left(encode(digest, 'hex'), 12), CASE WHEN times > 1 THEN times || ' times' END), NULL
      FROM estop.denials WHERE task_id = $1
    UNION ALL SELECT requested_at, 'approval.requested', tool_key, approval_id, NULL FROM estop.approvals WHERE task_id = $1
    UNION ALL SELECT decided_at, 'approval.' || CASE WHEN state = 'denied' THEN 'denied' ELSE 'approved' END, tool_key, decision_reason, decided_by
      FROM estop.approvals WHERE task_id = $1 AND decided_at IS NOT NULL
    UNION ALL SELECT ended_at, 'approval.' || state, tool_key, ended_by, NULL FROM estop.approvals WHERE task_id = $1 AND state IN ('expired', 'closed')
    UNION ALL SELECT expires_at, 'approval.expired', tool_key, NULL, NULL FROM estop.approvals
      WHERE task_id = $1 AND state IN ('pending', 'approved') AND expires_at <= clock_timestamp()
    UNION ALL SELECT intended_at, 'grant.intended', connector || ' ' || target, name, NULL FROM estop.grants WHERE task_id = $1
    UNION ALL SELECT issued_at, 'grant.issued', connector || ' ' || target, name, NULL FROM estop.grants WHERE task_id = $1 AND issued_at IS NOT NULL
    UNION ALL SELECT ended_at, 'grant.ended', connector || ' ' || target, end_reason, NULL FROM estop.grants WHERE task_id = $1 AND ended_at IS NOT NULL
    UNION ALL SELECT revoked_at, 'grant.cut', connector || ' ' || target, NULL, coalesce(stop_id, 'end of the task')
      FROM estop.obligations WHERE task_id = $1 AND revoked_at IS NOT NULL
    UNION ALL SELECT proved_at, 'grant.' || state, connector || ' ' || target, evidence, coalesce(accepted_by, stop_id, 'end of the task')
      FROM estop.obligations WHERE task_id = $1 AND proved_at IS NOT NULL
    UNION ALL SELECT s.latched_at, 'stop.latched', s.stop_id, s.reason, s.actor FROM t, estop.stops s
      WHERE (s.scope_key = ANY (t.keys) OR t.agents && estop.labelled_agents(s.scope_key, s.epoch))
        AND s.latched_at >= t.registered_at AND (t.closed_at IS NULL OR s.latched_at <= t.closed_at)
    UNION ALL SELECT at, kind, NULL, coalesce(reason, detail->>'because', detail->>'reason'), actor FROM estop.audit WHERE subject = $1)
  SELECT at, kind, about, note, by FROM e ORDER BY at DESC, kind DESC LIMIT $2`;

/** Newest entries first, at most `limit`. One snapshot, so that the story is consistent in itself. */
export async function taskHistory(store: Store, taskId: string, limit: number): Promise<readonly TaskHistoryEntry[]> {
  return (await call(store, 'task_history', statement, [taskId, limit])).map((row: Row) => ({
    at: text(row, 'at'),
    kind: text(row, 'kind'),
    ...present({
      about: textOrUndefined(row, 'about'),
      note: textOrUndefined(row, 'note'),
      by: textOrUndefined(row, 'by'),
    }),
  }));
}
