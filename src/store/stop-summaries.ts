import type { Evidence } from '../contract/stop.ts';
import { call, type Store } from './pool.ts';
import { int, present, type Row, text, textOrUndefined } from './row.ts';

/** What lists and event streams show of a stop: its stamps and counts, without a scan over tasks. */
export interface StopSummary {
  readonly stopId: string;
  readonly fencedAt?: string;
  readonly haltedAt?: string;
  readonly revokedAt?: string;
  readonly provedAt?: string;
  readonly evidence?: Evidence;
  readonly possiblyCompleted: number;
  readonly obligations: ObligationCounts;
  readonly residualUntil?: string;
}

export interface ObligationCounts {
  readonly total: number;
  readonly open: number;
  readonly revoked: number;
  readonly proved: number;
  readonly residual: number;
  readonly acceptedRisk: number;
  readonly needsHuman: number;
}

/** What stands open under one stop, and what came of the rest. */
export const countsUnder = (stopId: 'w.stop_id'): string =>
  `SELECT count(*)::integer AS total,
       (count(*) FILTER (WHERE o.state = 'open'))::integer AS open,
       (count(*) FILTER (WHERE o.revoked_at IS NOT NULL OR o.final_at IS NOT NULL))::integer AS revoked,
       (count(*) FILTER (WHERE o.state IN ('proved', 'expired') AND o.final_at IS NOT NULL))::integer AS proved,
       (count(*) FILTER (WHERE o.state = 'residual' AND o.final_at IS NULL))::integer AS residual,
       (count(*) FILTER (WHERE o.state = 'accepted-risk'))::integer AS accepted_risk,
       (count(*) FILTER (WHERE o.needs_human IS NOT NULL AND o.final_at IS NULL))::integer AS needs_human,
       max(o.residual_until) FILTER (WHERE o.state = 'residual' AND o.final_at IS NULL) AS residual_until
     FROM estop.obligations o WHERE o.cause_id = ${stopId}`;

/** One round trip for a whole page of stops. `proved` counts only what passed the last probe of the whole stop. */
export async function stopSummaries(
  store: Store,
  stopIds: readonly string[],
): Promise<ReadonlyMap<string, StopSummary>> {
  const rows = await call(
    store,
    'stop_summaries',
    `SELECT w.stop_id, p.fenced_at, p.halted_at, p.revoked_at, p.proved_at, p.evidence, coalesce(p.possibly_completed, 0) AS possibly_completed, c.*
     FROM unnest($1::text[]) AS w(stop_id)
     LEFT JOIN estop.stop_progress p ON p.stop_id = w.stop_id
     CROSS JOIN LATERAL (
       ${countsUnder('w.stop_id')}) c`,
    [stopIds],
  );
  return new Map(rows.map((row) => [text(row, 'stop_id'), summaryOf(row)]));
}

export function summaryOf(row: Row): StopSummary {
  return {
    stopId: text(row, 'stop_id'),
    possiblyCompleted: int(row, 'possibly_completed'),
    obligations: {
      total: int(row, 'total'),
      open: int(row, 'open'),
      revoked: int(row, 'revoked'),
      proved: int(row, 'proved'),
      residual: int(row, 'residual'),
      acceptedRisk: int(row, 'accepted_risk'),
      needsHuman: int(row, 'needs_human'),
    },
    ...present({
      fencedAt: textOrUndefined(row, 'fenced_at'),
      haltedAt: textOrUndefined(row, 'halted_at'),
      revokedAt: textOrUndefined(row, 'revoked_at'),
      provedAt: textOrUndefined(row, 'proved_at'),
      evidence: textOrUndefined(row, 'evidence') as Evidence | undefined, // shown, never decided on
      residualUntil: textOrUndefined(row, 'residual_until'),
    }),
  };
}
