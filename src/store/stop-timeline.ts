import { call, type Store } from './pool.ts';
import { present, text, textOrUndefined } from './row.ts';

/** One thing that happened under a stop, in the ledger's words. */
export interface StopTimelineEntry {
  readonly at: string;
  readonly kind: string;
  readonly about?: string;
  readonly note?: string;
  readonly by?: string;
}

const statement = `
  WITH s AS (SELECT * FROM estop.stops WHERE stop_id = $1), p AS (SELECT * FROM estop.stop_progress WHERE stop_id = $1),
    e (at, kind, about, note, by) AS (
    SELECT latched_at, 'stop.latched', method, reason, actor FROM s
    UNION ALL SELECT fenced_at, 'stop.fenced', NULL, NULL, NULL FROM p
    UNION ALL SELECT p.halted_at, 'stop.halted', c.halted::text, c.covered::text, NULL FROM p, estop.count_covered_tasks($1) c
    UNION ALL SELECT revoked_at, 'stop.revoked', NULL, (SELECT count(*) FROM estop.obligations WHERE cause_id = $1)::text, NULL FROM p
    UNION ALL SELECT proved_at, 'stop.proved', NULL, evidence, NULL FROM p
    UNION ALL SELECT at, 'gateway.' || outcome, gateway_id, NULL, NULL FROM estop.stop_gateways WHERE stop_id = $1
    UNION ALL (SELECT revoked_at, 'lane.cut', connector || ' ' || target, (
        SELECT string_agg(f.phase || ' begun ' || f.attempts || ' times', ', ' ORDER BY f.begun_at) FROM estop.obligation_phases f
        WHERE f.obligation_id = o.obligation_id AND f.round = o.round AND f.attempts > 1 AND f.begun_at <= o.revoked_at), NULL
      FROM estop.obligations o WHERE cause_id = $1 AND revoked_at IS NOT NULL ORDER BY revoked_at LIMIT $2)
    UNION ALL (SELECT proved_at, 'lane.' || state, connector || ' ' || target, evidence, accepted_by FROM estop.obligations WHERE cause_id = $1 AND proved_at IS NOT NULL
      ORDER BY proved_at LIMIT $2)
    UNION ALL SELECT at, 'reset.asked', NULL, reason, actor FROM estop.reset_consents WHERE stop_id = $1
    UNION ALL SELECT reset_at, 'stop.reset', reset_epoch::text, reset_reason, reset_by FROM s
    UNION ALL (SELECT at, kind, coalesce(detail->>'what', after->>'playbook', detail->>'phase'), coalesce(after->>'text', reason, detail->>'code'), actor FROM estop.audit
      WHERE subject IN ($1, '/v1/stops/' || $1 || ':reset', '/v1/stops/' || $1 || ':note', '/stops/' || $1 || '/reset', '/stops/' || $1 || '/note') AND kind <> 'stop.reset-wanted' ORDER BY seq LIMIT $2))
  SELECT at, kind, about, note, by FROM e WHERE at IS NOT NULL ORDER BY at, kind LIMIT $2`;

/** Oldest first, at most `limit`. One snapshot. */
export async function stopTimeline(store: Store, stopId: string, limit: number): Promise<readonly StopTimelineEntry[]> {
  return (await call(store, 'stop_timeline', statement, [stopId, limit])).map((row) => ({
    at: text(row, 'at'),
    kind: text(row, 'kind'),
    ...present({
      about: textOrUndefined(row, 'about'),
      note: textOrUndefined(row, 'note'),
      by: textOrUndefined(row, 'by'),
    }),
  }));
}
