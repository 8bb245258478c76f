import { finalPhase } from '../contract/phases.ts';
import type { Evidence, ObligationState } from '../contract/stop.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, present, type Row, text, textOrUndefined, word } from './row.ts';
import { rowsOf, tables } from './tables.ts';

export const obligationStates = [
  'open',
  'proved',
  'expired',
  'residual',
  'accepted-risk',
] as const satisfies readonly ObligationState[];

export interface ObligationRecord {
  readonly obligationId: string;
  /** A stop's id, or `end:<taskId>` where a task merely ended. */
  readonly causeId: string;
  readonly stopId?: string;
  readonly causeEpoch: number;
  readonly grantId: string;
  readonly agentId: string;
  readonly taskId: string;
  readonly connector: string;
  readonly target: string;
  readonly state: ObligationState;
  /** How often a probe found access after the cut. Phases are idempotent within a round. */
  readonly round: number;
  readonly phase?: string;
  readonly attempts: number;
  readonly lastError?: string;
  readonly nextTryAt?: string;
  /** A label on an open obligation that goes on trying, never an end. */
  readonly needsHuman?: string;
  readonly evidence?: Evidence;
  readonly residualUntil?: string;
  readonly residualWhy?: string;
  readonly acceptedBy?: string;
  readonly openedAt: string;
  readonly revokedAt?: string;
  readonly provedAt?: string;
  readonly finalAt?: string;
}

/** Polled for every stop that is in force or not proved, never read once. Returns how many it opened. rule: obligations-polled, intended-grants-covered */
export async function openObligations(store: Store, stopId: string): Promise<number> {
  return int(
    await callOne(store, 'open_obligations', 'SELECT estop.open_obligations($1) AS opened', [stopId]),
    'opened',
  );
}

/** For grants of tasks that ended without a stop, in whatever way. rule: task-end-ends-grants */
export async function openEndObligations(store: Store): Promise<number> {
  return int(
    await callOne(store, 'open_end_obligations', 'SELECT estop.open_end_obligations() AS opened', []),
    'opened',
  );
}

export async function getObligation(store: Store, obligationId: string): Promise<ObligationRecord | undefined> {
  const [row] = await call(store, 'obligation', 'SELECT * FROM estop.obligations WHERE obligation_id = $1', [
    obligationId,
  ]);
  return row === undefined ? undefined : obligationOf(row);
}

/**
 * Lanes that are proved or expired and still owe the last probe: theirs began before the last cut of the cause, or never was. Taken from
 * each system in turn, and of one last those that were asked and have not answered: where more than `limit` hang, or are served by
 * nobody, the others have their probe all the same. rule: lane-independent
 */
export async function finalLanes(store: Store, causeId: string, limit: number): Promise<readonly ObligationRecord[]> {
  const rows = await call(
    store,
    'final_lanes',
    `SELECT * FROM estop.obligations WHERE obligation_id IN (
       SELECT due.obligation_id FROM (
         SELECT o.obligation_id, row_number() OVER (PARTITION BY o.connector ORDER BY o.phase IS NOT DISTINCT FROM $3, o.final_probed_at, o.obligation_id) AS nth
         FROM estop.obligations o WHERE o.cause_id = $1 AND o.final_at IS NULL AND o.state IN ('proved', 'expired')
           AND (o.final_probed_at IS NULL OR o.final_probed_at <= (SELECT max(x.revoked_at) FROM estop.obligations x WHERE x.cause_id = $1))) due
       ORDER BY due.nth, due.obligation_id LIMIT $2)
     ORDER BY phase IS NOT DISTINCT FROM $3, final_probed_at, obligation_id`,
    [causeId, limit, finalPhase],
  );
  return rows.map(obligationOf);
}

export interface ObligationFilter extends PageRequest {
  readonly causeId?: string;
  readonly agentId?: string;
  readonly unfinished?: boolean;
}

/** Newest first. */
export async function listObligations(store: Store, filter: ObligationFilter = {}): Promise<Page<ObligationRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
    .selectFrom('obligations')
    .selectAll()
    .orderBy('opened_at', 'desc')
    .orderBy('obligation_id', 'desc')
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('opened_at', 'obligation_id'), '<', tuple(after[0], after[1])),
    );
  if (filter.causeId !== undefined) query = query.where('cause_id', '=', filter.causeId);
  if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId);
  if (filter.unfinished === true) query = query.where('final_at', 'is', null);
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(obligationOf), limit, (one) => [one.openedAt, one.obligationId]);
}

/** A named person accepts what cannot be made dead. False if it is final already or unknown. */
export async function acceptRisk(store: Store, obligationId: string, actor: string, reason: string): Promise<boolean> {
  return bool(
    await callOne(store, 'accept_risk', 'SELECT estop.accept_risk($1, $2, $3) AS accepted', [
      obligationId,
      actor,
      reason,
    ]),
    'accepted',
  );
}

/** Ends grants whose every obligation is final and wipes what was sealed. */
export async function wipeFinishedGrants(store: Store): Promise<number> {
  return int(await callOne(store, 'wipe_finished_grants', 'SELECT estop.wipe_finished_grants() AS wiped', []), 'wiped');
}

const evidences = [
  'credential-probed',
  'issuer-attested',
  'nothing-to-revoke',
  'accepted-risk',
] as const satisfies readonly Evidence[];

export function obligationOf(row: Row): ObligationRecord {
  return {
    obligationId: text(row, 'obligation_id'),
    causeId: text(row, 'cause_id'),
    causeEpoch: int(row, 'cause_epoch'),
    grantId: text(row, 'grant_id'),
    agentId: text(row, 'agent_id'),
    taskId: text(row, 'task_id'),
    connector: text(row, 'connector'),
    target: text(row, 'target'),
    state: word(row, 'state', obligationStates),
    round: int(row, 'round'),
    attempts: int(row, 'attempts'),
    openedAt: text(row, 'opened_at'),
    ...present({
      stopId: textOrUndefined(row, 'stop_id'),
      phase: textOrUndefined(row, 'phase'),
      lastError: textOrUndefined(row, 'last_error'),
      nextTryAt: textOrUndefined(row, 'next_try_at'),
      needsHuman: textOrUndefined(row, 'needs_human'),
      evidence: textOrUndefined(row, 'evidence') === undefined ? undefined : word(row, 'evidence', evidences),
      residualUntil: textOrUndefined(row, 'residual_until'),
      residualWhy: textOrUndefined(row, 'residual_why'),
      acceptedBy: textOrUndefined(row, 'accepted_by'),
      revokedAt: textOrUndefined(row, 'revoked_at'),
      provedAt: textOrUndefined(row, 'proved_at'),
      finalAt: textOrUndefined(row, 'final_at'),
    }),
  };
}
