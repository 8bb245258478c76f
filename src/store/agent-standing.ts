import { call, type Store } from './pool.ts';
import { int, present, text, textOrUndefined } from './row.ts';

export interface AgentStanding {
  readonly openTasks: number;
  /** A stop in force that covers whatever this agent would start now. */
  readonly stopId?: string;
}

/** For every agent that is not retired: how much it runs, and whether it may start anything. */
export async function agentStandings(store: Store): Promise<ReadonlyMap<string, AgentStanding>> {
  const rows = await call(
    store,
    'agent_standings',
    `SELECT a.agent_id, (SELECT count(*) FROM estop.tasks t WHERE t.agent_id = a.agent_id AND t.state <> 'closed') AS open_tasks,
       estop.dead_by(ARRAY['fleet', 'agent:' || a.agent_id], ARRAY[a.agent_id], estop.current_epoch()) AS stop_id
     FROM estop.agents a WHERE a.retired_at IS NULL`,
    [],
  );
  return new Map(
    rows.map((row) => [
      text(row, 'agent_id'),
      { openTasks: int(row, 'open_tasks'), ...present({ stopId: textOrUndefined(row, 'stop_id') }) },
    ]),
  );
}
