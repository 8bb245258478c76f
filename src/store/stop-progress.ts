import type { Evidence, StopStage } from '../contract/stop.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, present, type Row, text, textOrUndefined, word } from './row.ts';
import { getStop, type StopRecord } from './stops.ts';

/** The ledger's answer to "how far is this stop": only what somebody verified, with the time at which it was. */
export interface StopProgress {
  readonly stop: StopRecord;
  /** The last stage that holds together with all before it. */
  readonly stage: StopStage;
  readonly seenAt?: string;
  readonly fencedAt?: string;
  readonly haltedAt?: string;
  readonly revokedAt?: string;
  readonly provedAt?: string;
  readonly evidence?: Evidence;
  readonly sweepsDone: number;
  readonly possiblyCompleted: number;
  readonly tasks: { readonly covered: number; readonly halted: number };
  readonly gateways: readonly GatewayFence[];
  readonly revocation: RevocationState;
}

export interface GatewayFence {
  readonly gatewayId: string;
  readonly outcome: 'confirmed' | 'expired' | 'waiting';
  readonly at?: string;
}

export interface RevocationState {
  /** Covered grants that have no obligation yet. */
  readonly uncovered: number;
  readonly total: number;
  readonly acted: number;
  readonly concluded: number;
  readonly final: number;
  readonly lastCut?: string;
  readonly residualUntil?: string;
}

/** Needs no workflow query: everything is in the ledger. Undefined if no such stop is recorded. */
export async function stopProgress(store: Store, stopId: string): Promise<StopProgress | undefined> {
  // The stages before what they rest on: it may be further by then than the stage says, never behind it.
  const [stop, [row]] = await Promise.all([
    getStop(store, stopId),
    call(store, 'stop_progress', 'SELECT * FROM estop.stop_progress WHERE stop_id = $1', [stopId]),
  ]);
  if (stop === undefined) return undefined;
  const [counts, possibly, gateways, revocation] = await Promise.all([
    callOne(store, 'count_covered_tasks', 'SELECT covered, halted FROM estop.count_covered_tasks($1)', [stopId]),
    callOne(store, 'count_possibly_completed', 'SELECT estop.count_possibly_completed($1) AS calls', [stopId]),
    fenceOf(store, stop),
    revocationState(store, stopId),
  ]);
  const stamps = stampsOf(row);
  return {
    stop,
    stage: stageOf(stamps),
    ...stamps,
    sweepsDone: row === undefined ? 0 : int(row, 'sweeps_done'),
    possiblyCompleted: int(possibly, 'calls'),
    tasks: { covered: int(counts, 'covered'), halted: int(counts, 'halted') },
    gateways,
    revocation,
  };
}

export async function revocationState(store: Store, stopId: string): Promise<RevocationState> {
  const row = await callOne(
    store,
    'revocation_state',
    'SELECT uncovered, total, acted, concluded, final, last_cut, residual_until FROM estop.revocation_state($1)',
    [stopId],
  );
  return {
    uncovered: int(row, 'uncovered'),
    total: int(row, 'total'),
    acted: int(row, 'acted'),
    concluded: int(row, 'concluded'),
    final: int(row, 'final'),
    ...present({ lastCut: textOrUndefined(row, 'last_cut'), residualUntil: textOrUndefined(row, 'residual_until') }),
  };
}

/**
 * Stamps a stage, if the ledger itself does not say otherwise: halted needs every covered task closed, revoked every obligation
 * acted on, proved every obligation final, two sweeps and the other three stages. rule: ledger-decides
 */
export async function markStage(
  store: Store,
  stopId: string,
  stage: 'halted' | 'revoked' | 'proved',
): Promise<boolean> {
  return bool(
    await callOne(store, 'mark_stage', 'SELECT estop.mark_stage($1, $2) AS marked', [stopId, stage]),
    'marked',
  );
}

/**
 * One sweep over visibility is done, the one after `after` others; of a stop on a label it says for which agents it looked. False: it
 * was counted already, by an attempt whose answer was lost. rule: stray-sweep
 */
export async function markSweep(
  store: Store,
  stopId: string,
  after: number,
  labelledAgents: readonly string[] = [],
): Promise<boolean> {
  return bool(
    await callOne(store, 'mark_sweep', 'SELECT estop.mark_sweep($1, $2, $3) AS marked', [
      stopId,
      after,
      labelledAgents,
    ]),
    'marked',
  );
}

type Stamps = Pick<StopProgress, 'seenAt' | 'fencedAt' | 'haltedAt' | 'revokedAt' | 'provedAt' | 'evidence'>;

const evidences = [
  'credential-probed',
  'issuer-attested',
  'nothing-to-revoke',
  'accepted-risk',
] as const satisfies readonly Evidence[];

function stampsOf(row: Row | undefined): Stamps {
  if (row === undefined) return {};
  return present({
    seenAt: textOrUndefined(row, 'seen_at'),
    fencedAt: textOrUndefined(row, 'fenced_at'),
    haltedAt: textOrUndefined(row, 'halted_at'),
    revokedAt: textOrUndefined(row, 'revoked_at'),
    provedAt: textOrUndefined(row, 'proved_at'),
    evidence: textOrUndefined(row, 'evidence') === undefined ? undefined : word(row, 'evidence', evidences),
  });
}

/** The stages run side by side; the one word for them is the last without a gap before it. */
function stageOf(stamps: Stamps): StopStage {
  if (stamps.fencedAt === undefined) return 'latched';
  if (stamps.haltedAt === undefined) return 'fenced';
  if (stamps.revokedAt === undefined) return 'halted';
  return stamps.provedAt === undefined ? 'revoked' : 'proved';
}

async function fenceOf(store: Store, stop: StopRecord): Promise<readonly GatewayFence[]> {
  const rows = await call(
    store,
    'stop_gateways',
    `SELECT r.gateway_id, r.outcome, r.at FROM estop.stop_gateways r WHERE r.stop_id = $1
     UNION ALL
     SELECT g.gateway_id, 'waiting', NULL FROM estop.gateways g
       WHERE (g.retired_at IS NULL OR g.retired_at > $2::timestamptz)
         AND NOT EXISTS (SELECT 1 FROM estop.stop_gateways r WHERE r.stop_id = $1 AND r.gateway_id = g.gateway_id)
         AND NOT EXISTS (SELECT 1 FROM estop.stop_progress p WHERE p.stop_id = $1 AND p.fenced_at IS NOT NULL)
     ORDER BY 1`,
    [stop.stopId, stop.latchedAt],
  );
  return rows.map((row) => ({
    gatewayId: text(row, 'gateway_id'),
    outcome: word(row, 'outcome', ['confirmed', 'expired', 'waiting'] as const),
    ...present({ at: textOrUndefined(row, 'at') }),
  }));
}
