import type { Queryable } from './queryable.ts';

/** One lane as the control worker needs it: the obligation and the grant it is about. */
export interface LaneRow {
  readonly obligationId: string;
  readonly causeId: string;
  readonly connector: string;
  readonly target: string;
  readonly state: 'open' | 'proved' | 'expired' | 'residual' | 'accepted-risk';
  readonly round: number;
  readonly final: boolean;
  readonly revoked: boolean;
  readonly grant: {
    readonly grantId: string;
    readonly agentId: string;
    readonly taskId: string;
    readonly epoch: number;
    readonly target: string;
    readonly handle: Readonly<Record<string, string | number | boolean | null>>;
    readonly sealed: Uint8Array | undefined;
    readonly absoluteEnd: Date;
    readonly state: 'intended' | 'issued' | 'ended';
    /** By the store's clock. */
    readonly pastEnd: boolean;
  };
}

interface LaneSqlRow {
  readonly obligation_id: string;
  readonly cause_id: string;
  readonly connector: string;
  readonly target: string;
  readonly state: LaneRow['state'];
  readonly round: number;
  readonly final: boolean;
  readonly revoked: boolean;
  readonly grant_id: string;
  readonly agent_id: string;
  readonly task_id: string;
  readonly epoch: string;
  readonly grant_target: string;
  readonly handle: LaneRow['grant']['handle'];
  readonly sealed: Uint8Array | null;
  readonly absolute_end: Date;
  readonly grant_state: LaneRow['grant']['state'];
  readonly past_end: boolean;
}

export async function readLane(db: Queryable, obligationId: string): Promise<LaneRow | undefined> {
  const { rows } = await db.query<LaneSqlRow>(
    `SELECT o.obligation_id, o.cause_id, o.connector, o.target, o.state, o.round, o.final_at IS NOT NULL AS final,
        o.revoked_at IS NOT NULL AS revoked, g.grant_id, g.agent_id, g.task_id, g.epoch, g.target AS grant_target, g.handle, g.sealed,
        g.absolute_end, g.state AS grant_state, g.absolute_end < clock_timestamp() AS past_end
      FROM estop.obligations o JOIN estop.grants g ON g.grant_id = o.grant_id WHERE o.obligation_id = $1`,
    [obligationId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    obligationId: row.obligation_id,
    causeId: row.cause_id,
    connector: row.connector,
    target: row.target,
    state: row.state,
    round: row.round,
    final: row.final,
    revoked: row.revoked,
    grant: {
      grantId: row.grant_id,
      agentId: row.agent_id,
      taskId: row.task_id,
      epoch: Number(row.epoch),
      target: row.grant_target,
      handle: row.handle,
      sealed: row.sealed ?? undefined,
      absoluteEnd: row.absolute_end,
      state: row.grant_state,
      pastEnd: row.past_end,
    },
  };
}

export interface LaneKey {
  readonly obligationId: string;
  readonly connector: string;
  readonly target: string;
  readonly round: number;
}

/** What is not concluded yet of one cause at one agent, by id. */
export async function listOpenLanes(db: Queryable, causeId: string, agentId: string, after: string, limit: number): Promise<readonly LaneKey[]> {
  const { rows } = await db.query<LaneKeySqlRow>(
    `SELECT obligation_id, connector, target, round FROM estop.obligations
      WHERE cause_id = $1 AND agent_id = $2 AND final_at IS NULL AND state IN ('open', 'residual') AND obligation_id > $3
      ORDER BY obligation_id LIMIT $4`,
    [causeId, agentId, after, limit],
  );
  return rows.map(toLaneKey);
}

/** Concluded lanes whose last probe is missing, or began before the last cut of the whole cause. */
export async function listFinalLanes(db: Queryable, stopId: string, limit: number): Promise<readonly LaneKey[]> {
  const { rows } = await db.query<LaneKeySqlRow>(
    `SELECT obligation_id, connector, target, round FROM estop.obligations o
      WHERE cause_id = $1 AND final_at IS NULL AND state IN ('proved', 'expired') AND (final_probed_at IS NULL
        OR final_probed_at <= (SELECT max(x.revoked_at) FROM estop.obligations x WHERE x.cause_id = $1))
      ORDER BY final_probed_at NULLS FIRST, obligation_id LIMIT $2`,
    [stopId, limit],
  );
  return rows.map(toLaneKey);
}

interface LaneKeySqlRow {
  readonly obligation_id: string;
  readonly connector: string;
  readonly target: string;
  readonly round: number;
}

function toLaneKey(row: LaneKeySqlRow): LaneKey {
  return { obligationId: row.obligation_id, connector: row.connector, target: row.target, round: row.round };
}

export interface PhaseAttempt {
  readonly done: boolean;
  readonly result: unknown;
  readonly attempts: number;
  readonly begunAt: Date;
}

export async function beginPhase(db: Queryable, obligationId: string, phase: string, round: number): Promise<PhaseAttempt | undefined> {
  const { rows } = await db.query<{ done: boolean; result: unknown; attempts: number; begun_at: Date }>('SELECT * FROM estop.begin_phase($1, $2, $3)', [obligationId, phase, round]);
  const row = rows[0];
  return row === undefined ? undefined : { done: row.done, result: row.result, attempts: row.attempts, begunAt: row.begun_at };
}

export async function endPhase(db: Queryable, obligationId: string, phase: string, round: number, result: object): Promise<void> {
  await db.query('SELECT estop.end_phase($1, $2, $3, $4)', [obligationId, phase, round, JSON.stringify(result)]);
}

export async function noteAttemptFailed(db: Queryable, obligationId: string, error: string, nextTryAt: Date | undefined, needsHuman: string | undefined): Promise<void> {
  await db.query('SELECT estop.note_attempt_failed($1, $2, $3, $4)', [obligationId, error, nextTryAt ?? null, needsHuman ?? null]);
}

export async function markRevoked(db: Queryable, obligationId: string, round: number): Promise<void> {
  await db.query('SELECT estop.mark_revoked($1, $2)', [obligationId, round]);
}

export type Conclusion =
  | { readonly state: 'proved' | 'expired'; readonly evidence: string }
  | { readonly state: 'residual'; readonly until: string; readonly why: string };

export async function concludeObligation(db: Queryable, obligationId: string, round: number, conclusion: Conclusion): Promise<boolean> {
  const residual = conclusion.state === 'residual' ? conclusion : undefined;
  const evidence = conclusion.state === 'residual' ? null : conclusion.evidence;
  const { rows } = await db.query<{ taken: boolean }>('SELECT estop.conclude_obligation($1, $2, $3, $4, $5, $6) AS taken', [
    obligationId,
    round,
    conclusion.state,
    evidence,
    residual?.until ?? null,
    residual?.why ?? null,
  ]);
  return rows[0]?.taken === true;
}

export async function reopenObligation(db: Queryable, obligationId: string, round: number, why: string): Promise<boolean> {
  const { rows } = await db.query<{ taken: boolean }>('SELECT estop.reopen_obligation($1, $2, $3) AS taken', [obligationId, round, why]);
  return rows[0]?.taken === true;
}

export async function markFinal(db: Queryable, obligationId: string, round: number, probeBegunAt: Date): Promise<boolean> {
  const { rows } = await db.query<{ taken: boolean }>('SELECT estop.mark_final($1, $2, $3) AS taken', [obligationId, round, probeBegunAt]);
  return rows[0]?.taken === true;
}
