import { type BreakerAction, breakerActions, type TripCause, tripCauses } from '../core/breaker.ts';
import { EstopError } from '../core/errors.ts';
import { call, type Store } from './pool.ts';
import { int, present, type Row, text, textOrUndefined, texts } from './row.ts';

/** One agent with open tasks, and what it did within the last minutes. */
export interface RunningAgentRecord {
  readonly agentId: string;
  readonly owner: string;
  readonly stopHolder: string;
  readonly labelKeys: readonly string[];
  readonly openTasks: number;
  readonly heldTasks: number;
  readonly oldestAt: string;
  readonly calls: number;
  readonly denied: number;
  readonly errors: number;
  readonly microcents: number;
  readonly pendingApprovals: number;
  readonly trips: readonly { readonly breaker: TripCause; readonly action: BreakerAction }[];
  readonly stopId?: string;
}

/** Every agent that runs, in no order; a drill is none. What it does is read from the counts of its gateways, not from its calls. */
export async function runningAgents(store: Store, withinMs: number): Promise<readonly RunningAgentRecord[]> {
  return (await call(store, 'running_agents', statement, [withinMs])).map(runningOf);
}

const statement = `
  WITH o AS (SELECT agent_id, count(*) AS open_tasks, count(*) FILTER (WHERE held) AS held_tasks, min(registered_at) AS oldest_at
      FROM estop.tasks WHERE state <> 'closed' AND kind <> 'drill' GROUP BY agent_id),
    c AS (SELECT agent_id, sum(calls)::bigint AS calls, sum(denied)::bigint AS denied, sum(errors)::bigint AS errors, sum(microcents)::bigint AS microcents
      FROM estop.conduct WHERE slot >= clock_timestamp() - make_interval(secs => $1 / 1000.0) GROUP BY agent_id),
    p AS (SELECT agent_id, count(*) AS pending FROM estop.approvals WHERE state = 'pending' AND expires_at > clock_timestamp() GROUP BY agent_id),
    b AS (SELECT agent_id, array_agg(breaker || ' ' || action ORDER BY breaker) AS trips FROM estop.breaker_trips
      WHERE cleared_at IS NULL AND action <> 'shadow' GROUP BY agent_id),
    l AS (SELECT agent_id, array_agg(label_key ORDER BY label_key) AS label_keys FROM estop.agent_labels WHERE tombstoned_at IS NULL GROUP BY agent_id)
  SELECT o.*, coalesce(a.owner, '') AS owner, coalesce(a.stop_holder, '') AS stop_holder, coalesce(l.label_keys, '{}') AS label_keys,
    coalesce(c.calls, 0) AS calls, coalesce(c.denied, 0) AS denied, coalesce(c.errors, 0) AS errors, coalesce(c.microcents, 0) AS microcents,
    coalesce(p.pending, 0) AS pending, coalesce(b.trips, '{}') AS trips,
    estop.dead_by(ARRAY['fleet', 'agent:' || o.agent_id], ARRAY[o.agent_id], estop.current_epoch()) AS stop_id
  FROM o LEFT JOIN estop.agents a USING (agent_id) LEFT JOIN l USING (agent_id) LEFT JOIN c USING (agent_id) LEFT JOIN p USING (agent_id) LEFT JOIN b USING (agent_id)`;

function runningOf(row: Row): RunningAgentRecord {
  return {
    agentId: text(row, 'agent_id'),
    owner: text(row, 'owner'),
    stopHolder: text(row, 'stop_holder'),
    labelKeys: texts(row, 'label_keys'),
    openTasks: int(row, 'open_tasks'),
    heldTasks: int(row, 'held_tasks'),
    oldestAt: text(row, 'oldest_at'),
    calls: int(row, 'calls'),
    denied: int(row, 'denied'),
    errors: int(row, 'errors'),
    microcents: int(row, 'microcents'),
    pendingApprovals: int(row, 'pending'),
    trips: texts(row, 'trips').map(tripOf),
    ...present({ stopId: textOrUndefined(row, 'stop_id') }),
  };
}

function tripOf(words: string): RunningAgentRecord['trips'][number] {
  const [breakerWord, actionWord] = words.split(' ');
  const breaker = tripCauses.find((one) => one === breakerWord);
  const action = breakerActions.find((one) => one === actionWord);
  if (breaker === undefined || action === undefined)
    throw new EstopError('internal', { detail: 'a trip of no known breaker' });
  return { breaker, action };
}
