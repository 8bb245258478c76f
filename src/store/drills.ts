import { type Handle, type IntentDecision, type IssuedDecision, intentOf, issuedOf } from './grants.ts';
import { obligationStates } from './obligations.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, present, type Row, text, textOrUndefined, word } from './row.ts';

export const drillStates = ['asked', 'proved', 'failed', 'impossible'] as const;
export type DrillState = (typeof drillStates)[number];

export interface DrillRecord {
  /** Its task, which is its id. */
  readonly taskId: string;
  readonly connectorId: string;
  readonly state: DrillState;
  readonly askedBy: string;
  readonly isScheduled: boolean;
  readonly askedAt: string;
  readonly why?: string;
  readonly evidence?: string;
  readonly intendedAt?: string;
  readonly issuedAt?: string;
  readonly endedAt?: string;
  readonly revokedAt?: string;
  readonly provedAt?: string;
  readonly finishedAt?: string;
}

export interface AskedDrill {
  readonly taskId: string;
  readonly connectorId: string;
}

/** `busy`: one is under way there. */
export async function askDrill(
  store: Store,
  drill: AskedDrill & { readonly actor: string },
): Promise<'asked' | 'busy'> {
  const values = [drill.taskId, drill.connectorId, drill.actor];
  const row = await callOne(store, 'ask_drill', 'SELECT estop.ask_drill($1, $2, $3) AS outcome', values);
  return word(row, 'outcome', ['asked', 'busy'] as const);
}

/** Those that somebody must see to. */
export async function drillsUnderWay(store: Store): Promise<readonly AskedDrill[]> {
  const sql = `SELECT task_id, connector FROM estop.drills WHERE state = 'asked' ORDER BY asked_at LIMIT 100`;
  return (await call(store, 'drills_under_way', sql, [])).map((row) => ({
    taskId: text(row, 'task_id'),
    connectorId: text(row, 'connector'),
  }));
}

/** The newest at each of these connectors. */
export async function newestDrills(store: Store, ids: readonly string[]): Promise<readonly DrillRecord[]> {
  const sql = `SELECT DISTINCT ON (connector) * FROM estop.drills WHERE connector = ANY ($1) ORDER BY connector, asked_at DESC`;
  return (await call(store, 'newest_drills', sql, [ids])).map(drillOf);
}

/** When one was last proved, of those at which one ever was. */
export async function provedDrills(store: Store, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const sql = `SELECT DISTINCT ON (connector) connector, finished_at FROM estop.drills WHERE connector = ANY ($1) AND state = 'proved' ORDER BY connector, asked_at DESC`;
  const rows = await call(store, 'proved_drills', sql, [ids]);
  return new Map(rows.map((row) => [text(row, 'connector'), text(row, 'finished_at')]));
}

export type DrillBeginning =
  | { readonly kind: 'begun'; readonly epoch: number; readonly connectorId: string }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'over' };

export async function beginDrill(store: Store, taskId: string): Promise<DrillBeginning> {
  const row = await callOne(store, 'begin_drill', 'SELECT * FROM estop.begin_drill($1)', [taskId]);
  const kind = word(row, 'decision', ['begun', 'stopped', 'over'] as const);
  switch (kind) {
    case 'begun':
      return { kind, epoch: int(row, 'epoch'), connectorId: text(row, 'connector') };
    case 'stopped':
      return { kind, stopId: text(row, 'stop_id') };
    case 'over':
      return { kind };
  }
}

export interface DrillIntent {
  readonly taskId: string;
  readonly grantId: string;
  readonly target: string;
  readonly shared: boolean;
  readonly handle: Handle;
  readonly epoch: number;
  readonly lifeMs: number;
}

/** The mint of this one grant. rule: mint-intended-first, mint-kill-handle, mint-absolute-end */
export async function intendDrill(store: Store, intent: DrillIntent): Promise<IntentDecision> {
  const { taskId, grantId, target, shared, handle, epoch, lifeMs } = intent;
  const values = [taskId, grantId, target, shared, JSON.stringify(handle), epoch, lifeMs];
  return intentOf(
    await callOne(store, 'drill_intend', 'SELECT * FROM estop.drill_intend($1, $2, $3, $4, $5, $6, $7)', values),
  );
}

export async function drillIssued(
  store: Store,
  { taskId, grantId }: Pick<DrillIntent, 'taskId' | 'grantId'>,
  sealed: Uint8Array,
): Promise<IssuedDecision> {
  const values = [taskId, grantId, Buffer.from(sealed)];
  return issuedOf(await callOne(store, 'drill_issued', 'SELECT * FROM estop.drill_issued($1, $2, $3)', values));
}

/** How far its one credential is on its way to being dead. */
export interface DrillSight {
  readonly isIssued: boolean;
  readonly state?: (typeof obligationStates)[number];
  readonly isFinal: boolean;
  readonly lastError?: string;
  readonly residualUntil?: string;
  /** A stop came over it meanwhile. */
  readonly stopId?: string;
}

const sightSql = `SELECT g.issued_at IS NOT NULL AS issued, o.state, o.final_at IS NOT NULL AS final, o.last_error, o.residual_until, o.stop_id
  FROM estop.grants g LEFT JOIN estop.obligations o ON o.grant_id = g.grant_id WHERE g.task_id = $1 ORDER BY o.opened_at DESC NULLS LAST LIMIT 1`;

export async function lookAtDrill(store: Store, taskId: string): Promise<DrillSight> {
  const [row] = await call(store, 'look_at_drill', sightSql, [taskId]);
  if (row === undefined) return { isIssued: false, isFinal: false };
  return {
    isIssued: bool(row, 'issued'),
    isFinal: bool(row, 'final'),
    ...present({
      state: row['state'] === null ? undefined : word(row, 'state', obligationStates),
      lastError: textOrUndefined(row, 'last_error'),
      residualUntil: textOrUndefined(row, 'residual_until'),
      stopId: textOrUndefined(row, 'stop_id'),
    }),
  };
}

/** Returns what it was recorded as: the ledger must bear out that it is proved. */
export async function finishDrill(
  store: Store,
  taskId: string,
  outcome: { readonly state: Exclude<DrillState, 'asked'>; readonly why?: string },
): Promise<DrillState> {
  const values = [taskId, outcome.state, outcome.why ?? null];
  const row = await callOne(store, 'finish_drill', 'SELECT estop.finish_drill($1, $2, $3) AS state', values);
  return word(row, 'state', drillStates);
}

function drillOf(row: Row): DrillRecord {
  return {
    taskId: text(row, 'task_id'),
    connectorId: text(row, 'connector'),
    state: word(row, 'state', drillStates),
    askedBy: text(row, 'asked_by'),
    isScheduled: bool(row, 'by_schedule'),
    askedAt: text(row, 'asked_at'),
    ...present({
      why: textOrUndefined(row, 'why'),
      evidence: textOrUndefined(row, 'evidence'),
      intendedAt: textOrUndefined(row, 'intended_at'),
      issuedAt: textOrUndefined(row, 'issued_at'),
      endedAt: textOrUndefined(row, 'ended_at'),
      revokedAt: textOrUndefined(row, 'revoked_at'),
      provedAt: textOrUndefined(row, 'proved_at'),
      finishedAt: textOrUndefined(row, 'finished_at'),
    }),
  };
}
