import { callOne, type Store } from './pool.ts';
import { json } from './row.ts';

export interface LastDrill {
  readonly connector: string;
  /** Null: none is over yet. */
  readonly state: string | null;
  readonly seconds: number;
  /** Since one was proved, or since the first was asked for. */
  readonly unprovedSeconds: number;
}

export interface OpenObligations {
  readonly connector: string;
  readonly state: string;
  readonly count: number;
  readonly needHuman: number;
  readonly oldestSeconds: number;
}

/** What the ledger says of the whole installation, in numbers. Only what is unfinished is counted, so that age costs nothing. */
export interface LedgerFigures {
  readonly stopsInForce: number;
  readonly stopsUnfenced: number;
  readonly stopsUnproved: number;
  readonly oldestUnfencedSeconds: number;
  readonly oldestUnprovedSeconds: number;
  readonly tasksOpen: number;
  readonly tasksHeld: number;
  readonly approvalsPending: number;
  readonly oldestApprovalSeconds: number;
  readonly gatewaysLive: number;
  readonly gatewaysLapsed: number;
  readonly beatSeconds: number;
  readonly drainSeconds: number;
  readonly noticesUndelivered: number;
  readonly oldestNoticeSeconds: number;
  readonly deliveriesFailed: number;
  readonly oldestFiringSeconds: number;
  readonly firingsGivenUp: number;
  readonly connectorsNotReady: number;
  readonly obligations: readonly OpenObligations[];
  /** The newest that is over, of each connector that was ever tried and is still asked how it is. */
  readonly drills: readonly LastDrill[];
}

const age = (at: string): string => `coalesce(extract(epoch FROM clock_timestamp() - ${at}), 0)::float8`;

/** Of `c`, a connector that was checked. What a drill found does not go away until another one finds better. */
const lastDrill = (columns: string): string =>
  `SELECT ${columns} FROM estop.drills d WHERE d.connector = c.connector AND d.state <> 'asked' ORDER BY d.asked_at DESC LIMIT 1`;

const query = `SELECT json_build_object(
  'stopsInForce', (SELECT count(*) FROM estop.stops WHERE reset_at IS NULL),
  'tasksOpen', (SELECT count(*) FROM estop.tasks WHERE state <> 'closed'),
  'tasksHeld', (SELECT count(*) FROM estop.tasks WHERE state <> 'closed' AND held),
  'gatewaysLive', (SELECT count(*) FROM estop.gateways WHERE retired_at IS NULL AND lease_until > clock_timestamp()),
  'gatewaysLapsed', (SELECT count(*) FROM estop.gateways WHERE retired_at IS NULL AND lease_until <= clock_timestamp()),
  'beatSeconds', (SELECT extract(epoch FROM clock_timestamp() - max(beat_at))::float8 FROM estop.latch_marks WHERE beat_at <= clock_timestamp()),
  'drainSeconds', (SELECT extract(epoch FROM clock_timestamp() - max(begun_at))::float8 FROM estop.intake_drains WHERE begun_at <= clock_timestamp()),
  'deliveriesFailed', (SELECT count(*) FROM estop.notice_deliveries d WHERE d.state = 'failed' AND d.ended_at > clock_timestamp() - interval '1 hour'),
  'oldestFiringSeconds', (SELECT ${age('min(fired_at)')} FROM estop.trigger_firings WHERE action = 'stop' AND latched_at IS NULL AND failed_at IS NULL),
  'firingsGivenUp', (SELECT count(*) FROM estop.trigger_firings WHERE failed_at > clock_timestamp() - interval '1 hour'),
  'connectorsNotReady', (SELECT count(*) FROM estop.connector_checks c WHERE NOT c.ok
    OR (c.checked_at > clock_timestamp() - interval '10 minutes' AND 'failed' = (${lastDrill('state')}))),
  'drills', (SELECT coalesce(json_agg(d), '[]') FROM (SELECT c.connector, x.state, ${age('x.finished_at')} AS seconds,
      ${age('coalesce(p.finished_at, f.asked_at)')} AS "unprovedSeconds" FROM estop.connector_checks c
    CROSS JOIN LATERAL (SELECT d.asked_at FROM estop.drills d WHERE d.connector = c.connector ORDER BY d.asked_at LIMIT 1) f
    LEFT JOIN LATERAL (SELECT d.finished_at FROM estop.drills d WHERE d.connector = c.connector AND d.state = 'proved' ORDER BY d.asked_at DESC LIMIT 1) p ON true
    LEFT JOIN LATERAL (${lastDrill('state, finished_at')}) x ON true WHERE c.checked_at > clock_timestamp() - interval '10 minutes') d),
  'stops', (SELECT json_build_object('unfenced', count(*) FILTER (WHERE p.fenced_at IS NULL), 'unproved', count(*),
      'oldestUnfenced', ${age('min(s.latched_at) FILTER (WHERE p.fenced_at IS NULL)')}, 'oldestUnproved', ${age('min(s.latched_at)')})
    FROM estop.stops s LEFT JOIN estop.stop_progress p USING (stop_id) WHERE p.proved_at IS NULL),
  'approvals', (SELECT json_build_object('pending', count(*), 'oldest', ${age('min(requested_at)')}) FROM estop.approvals WHERE state = 'pending' AND expires_at > clock_timestamp()),
  'notices', (SELECT json_build_object('open', count(*), 'oldest', ${age('min(noted_at)')}) FROM estop.notices WHERE settled_at IS NULL AND quiet IS NULL),
  'obligations', (SELECT coalesce(json_agg(o), '[]') FROM (SELECT connector, state, count(*) AS count, count(*) FILTER (WHERE needs_human IS NOT NULL) AS "needHuman",
      ${age('min(opened_at)')} AS "oldestSeconds" FROM estop.obligations WHERE final_at IS NULL GROUP BY connector, state) o)
  ) AS figures`;

export async function ledgerFigures(store: Store): Promise<LedgerFigures> {
  const row = await callOne(store, 'ledger_figures', query, []);
  const got = json(row, 'figures') as Raw; // built by the statement above, name by name
  return {
    ...got,
    beatSeconds: got.beatSeconds ?? Number.POSITIVE_INFINITY,
    drainSeconds: got.drainSeconds ?? Number.POSITIVE_INFINITY,
    stopsUnfenced: got.stops.unfenced,
    stopsUnproved: got.stops.unproved,
    oldestUnfencedSeconds: got.stops.oldestUnfenced,
    oldestUnprovedSeconds: got.stops.oldestUnproved,
    approvalsPending: got.approvals.pending,
    oldestApprovalSeconds: got.approvals.oldest,
    noticesUndelivered: got.notices.open,
    oldestNoticeSeconds: got.notices.oldest,
  };
}

interface Raw extends Omit<LedgerFigures, 'beatSeconds' | 'drainSeconds'> {
  readonly beatSeconds: number | null;
  readonly drainSeconds: number | null;
  readonly stops: {
    readonly unfenced: number;
    readonly unproved: number;
    readonly oldestUnfenced: number;
    readonly oldestUnproved: number;
  };
  readonly approvals: { readonly pending: number; readonly oldest: number };
  readonly notices: { readonly open: number; readonly oldest: number };
}
