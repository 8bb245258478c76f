import { type GrantState, grantStates, type Handle } from './grants.ts';
import { obligationStates } from './obligations.ts';
import { call, type Store } from './pool.ts';
import { bool, bytesOrUndefined, int, json, present, text, word } from './row.ts';

/** One lane as the control worker needs it: the obligation and the grant it is about, in one read. */
export interface Lane {
  readonly obligationId: string;
  readonly causeId: string;
  readonly connector: string;
  readonly state: (typeof obligationStates)[number];
  readonly round: number;
  readonly isFinal: boolean;
  /** Its stop follows a playbook, which may make a phase wait. */
  readonly hasPlaybook: boolean;
  readonly grant: LaneGrant;
}

export interface LaneGrant {
  readonly grantId: string;
  readonly agentId: string;
  readonly taskId: string;
  readonly epoch: number;
  readonly target: string;
  readonly handle: Handle;
  readonly sealed?: Uint8Array;
  readonly absoluteEnd: string;
  readonly state: GrantState;
  /** By the store's clock. */
  readonly pastEnd: boolean;
  /** Somebody may have sent the request to the issuer. */
  readonly asked: boolean;
}

const laneSql = `SELECT o.obligation_id, o.cause_id, o.connector, o.state, o.round, o.final_at IS NOT NULL AS is_final,
    EXISTS (SELECT 1 FROM estop.stop_playbooks b WHERE b.stop_id = o.cause_id) AS has_playbook,
    g.grant_id, g.agent_id, g.task_id, g.epoch, g.target, g.handle, g.sealed, g.absolute_end, g.state AS grant_state,
    g.absolute_end < clock_timestamp() AS past_end, g.asked_at IS NOT NULL AS asked
  FROM estop.obligations o JOIN estop.grants g ON g.grant_id = o.grant_id WHERE o.obligation_id = $1`;

export async function readLane(store: Store, obligationId: string): Promise<Lane | undefined> {
  const [row] = await call(store, 'lane_record', laneSql, [obligationId]);
  if (row === undefined) return undefined;
  return {
    obligationId: text(row, 'obligation_id'),
    causeId: text(row, 'cause_id'),
    connector: text(row, 'connector'),
    state: word(row, 'state', obligationStates),
    round: int(row, 'round'),
    isFinal: bool(row, 'is_final'),
    hasPlaybook: bool(row, 'has_playbook'),
    grant: {
      grantId: text(row, 'grant_id'),
      agentId: text(row, 'agent_id'),
      taskId: text(row, 'task_id'),
      epoch: int(row, 'epoch'),
      target: text(row, 'target'),
      handle: json(row, 'handle') as Handle, // written by mint_intend from a Handle, and by nobody else
      absoluteEnd: text(row, 'absolute_end'),
      state: word(row, 'grant_state', grantStates),
      pastEnd: bool(row, 'past_end'),
      asked: bool(row, 'asked'),
      ...present({ sealed: bytesOrUndefined(row, 'sealed') }),
    },
  };
}

export const isConcluded = (lane: Lane): boolean =>
  lane.isFinal || lane.state === 'proved' || lane.state === 'expired' || lane.state === 'accepted-risk';

export interface LaneKey {
  readonly obligationId: string;
  readonly connector: string;
  readonly target: string;
  readonly round: number;
}

const openLanesSql = `SELECT obligation_id, connector, target, round FROM estop.obligations
  WHERE cause_id = $1 AND agent_id = $2 AND final_at IS NULL AND state IN ('open', 'residual') AND obligation_id > $3
    AND ($5::float8 IS NULL OR opened_at > clock_timestamp() - make_interval(secs => $5 / 1000.0) OR (round > 0 AND state = 'open' AND phase IS NULL))
  ORDER BY obligation_id LIMIT $4`;

/**
 * What is not concluded yet of one cause at one agent, page by page: `after` is the last id of the page before. What was opened again, and
 * nobody has begun with since, counts as opened lately.
 */
export async function listOpenLanes(
  store: Store,
  page: {
    readonly causeId: string;
    readonly agentId: string;
    readonly after: string;
    readonly limit: number;
    readonly openedWithinMs: number | undefined;
  },
): Promise<readonly LaneKey[]> {
  const rows = await call(store, 'lane_page', openLanesSql, [
    page.causeId,
    page.agentId,
    page.after,
    page.limit,
    page.openedWithinMs ?? null,
  ]);
  return rows.map((row) => ({
    obligationId: text(row, 'obligation_id'),
    connector: text(row, 'connector'),
    target: text(row, 'target'),
    round: int(row, 'round'),
  }));
}

const lastResidualSql = `SELECT result FROM estop.obligation_phases
  WHERE obligation_id = $1 AND round = $2 AND done_at IS NOT NULL AND result->>'kind' = 'residual' ORDER BY result->>'until' DESC LIMIT 1`;

/** The longest residual that a cut of this round left behind. */
export async function readResidualOfCuts(store: Store, obligationId: string, round: number): Promise<unknown> {
  const [row] = await call(store, 'lane_residual', lastResidualSql, [obligationId, round]);
  return row === undefined ? undefined : json(row, 'result');
}
