import type { Evidence } from '../contract/stop.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, intOrUndefined, json, text, texts } from './row.ts';

/** The steps of one lane. Each is idempotent within its round; an answer that belongs to an older round changes nothing. */
export interface PhaseKey {
  readonly obligationId: string;
  /** One of contract/phases.ts, or a name of the caller's own for another kind of attempt (the final probe). */
  readonly phase: string;
  readonly round: number;
}

export type PhaseAttempt =
  /** Done before: this is its result, do nothing. */
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'begun'; readonly attempt: number; readonly begunAt: string }
  /** Its system asked to be left alone for so long yet. Nothing has been begun. */
  | { readonly kind: 'put-off'; readonly forMs: number }
  | { readonly kind: 'unknown' };

/** `begunAt` is the store's time before the attempt: what `markFinal` wants for a probe. rule: idempotent-by-obligation-phase */
export async function beginPhase(store: Store, key: PhaseKey): Promise<PhaseAttempt> {
  const values = [key.obligationId, key.phase, key.round];
  const [row] = await call(
    store,
    'begin_phase',
    'SELECT done, result, attempts, begun_at, put_off_ms FROM estop.begin_phase($1, $2, $3)',
    values,
  );
  if (row === undefined) return { kind: 'unknown' };
  if (bool(row, 'done')) return { kind: 'done', result: json(row, 'result') };
  const forMs = intOrUndefined(row, 'put_off_ms');
  if (forMs !== undefined) return { kind: 'put-off', forMs };
  return { kind: 'begun', attempt: int(row, 'attempts'), begunAt: text(row, 'begun_at') };
}

const phaseOverSql = `SELECT EXISTS (SELECT 1 FROM estop.obligation_phases
    WHERE obligation_id = $1 AND phase = $2 AND round = $3 AND done_at IS NOT NULL)
  OR EXISTS (SELECT 1 FROM estop.obligations WHERE obligation_id = $1 AND final_at IS NOT NULL) AS is_over`;

/** It is done, or its lane is final: a person may have accepted it undone. */
export async function isPhaseOver(store: Store, { obligationId, phase, round }: PhaseKey): Promise<boolean> {
  return bool(await callOne(store, 'lane_phase_over', phaseOverSql, [obligationId, phase, round]), 'is_over');
}

/** Only for a result that stands: what must be tried again, or a probe that may be asked for again, is not ended. */
export async function endPhase(store: Store, key: PhaseKey, result: unknown): Promise<void> {
  const values = [key.obligationId, key.phase, key.round, JSON.stringify(result ?? null)];
  await call(store, 'end_phase', 'SELECT estop.end_phase($1, $2, $3, $4)', values);
}

export interface FailedAttempt {
  readonly obligationId: string;
  readonly round: number;
  /** It was a last probe: of a lane that was proved when it began, and of no other. */
  readonly wasProved: boolean;
  readonly error: string;
  /** Until the next try. */
  readonly pauseMs: number;
  /** The system itself asked for this pause: nobody begins with the lane before it is over. */
  readonly isPauseAsked?: boolean;
  readonly needsHuman?: string;
}

/** A label on an obligation that stays open and goes on being tried; it never ends one. Of what has been moved on since it says nothing. */
export async function noteAttemptFailed(store: Store, failure: FailedAttempt): Promise<void> {
  const { obligationId, round, wasProved, error, pauseMs, isPauseAsked = false, needsHuman = null } = failure;
  const values = [obligationId, round, wasProved, error, Math.ceil(pauseMs), isPauseAsked, needsHuman];
  await call(store, 'note_attempt_failed', 'SELECT estop.note_attempt_failed($1, $2, $3, $4, $5, $6, $7)', values);
}

/**
 * Labels those of these open lanes that have no label yet, if they have failed at least once or have waited for their turn for so long.
 * What is said of their last attempt stays. Which they were.
 */
export async function labelNeedsHuman(
  store: Store,
  obligationIds: readonly string[],
  why: string,
  waitedMs: number,
): Promise<readonly string[]> {
  const sql = "SELECT coalesce(array_agg(obligation_id), '{}') AS labelled FROM estop.label_needs_human($1, $2, $3)";
  return texts(await callOne(store, 'label_needs_human', sql, [obligationIds, why, waitedMs]), 'labelled');
}

/** Every cutting phase of this round is done. False if it was already, or the round is over. */
export async function markRevoked(store: Store, obligationId: string, round: number): Promise<boolean> {
  return bool(
    await callOne(store, 'mark_revoked', 'SELECT estop.mark_revoked($1, $2) AS marked', [obligationId, round]),
    'marked',
  );
}

export type Conclusion =
  | { readonly kind: 'proved'; readonly evidence: Evidence }
  /** An intended grant whose end has passed, or that nobody may issue any more, and of which the issuer lists nothing. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'residual'; readonly until: string; readonly why: string };

/** The lane's verdict for this round. Not yet the last word where a stop asks for a final probe. */
export async function concludeObligation(
  store: Store,
  obligationId: string,
  round: number,
  conclusion: Conclusion,
): Promise<boolean> {
  const residual = conclusion.kind === 'residual' ? conclusion : undefined;
  const evidence = conclusion.kind === 'proved' ? conclusion.evidence : null;
  const values = [obligationId, round, conclusion.kind, evidence, residual?.until ?? null, residual?.why ?? null];
  const row = await callOne(
    store,
    'conclude_obligation',
    'SELECT estop.conclude_obligation($1, $2, $3, $4, $5, $6) AS concluded',
    values,
  );
  return bool(row, 'concluded');
}

/** A probe found access: cut again, in the next round (`round` + 1). False if somebody else opened it already. */
export async function reopenObligation(
  store: Store,
  obligationId: string,
  round: number,
  why: string,
): Promise<boolean> {
  const row = await callOne(store, 'reopen_obligation', 'SELECT estop.reopen_obligation($1, $2, $3) AS reopened', [
    obligationId,
    round,
    why,
  ]);
  return bool(row, 'reopened');
}

export interface PassedProbe {
  readonly obligationId: string;
  readonly round: number;
  /** By the store's clock, as `beginPhase` returned it. */
  readonly begunAt: string;
}

/**
 * Final probes of lanes of one cause passed. Each is taken only if it began after the last cut of the whole cause and no lane of it is
 * open; lanes become final together. How many were taken: the others do not count, and are probed again. rule: final-probe, open-until-final
 */
export async function markFinal(store: Store, passed: readonly PassedProbe[]): Promise<number> {
  if (passed.length === 0) return 0;
  const values = [
    passed.map(({ obligationId }) => obligationId),
    passed.map(({ round }) => round),
    passed.map(({ begunAt }) => begunAt),
  ];
  return int(await callOne(store, 'mark_final', 'SELECT estop.mark_final($1, $2, $3) AS taken', values), 'taken');
}
