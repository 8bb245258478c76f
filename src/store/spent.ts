import { call, type Store } from './pool.ts';
import { int, text } from './row.ts';

/** What one task has spent since its gateway last said so. */
export interface TaskSpent {
  readonly taskId: string;
  readonly agentId: string;
  readonly calls: number;
  readonly tokens: number;
  readonly microcents: number;
}

/** Without waiting for the disk: it is no cap. */
export async function noteSpent(store: Store, spent: readonly TaskSpent[]): Promise<void> {
  const query = `SELECT estop.note_spent($1) FROM (SELECT set_config('synchronous_commit', 'off', true) AS mode) m WHERE m.mode = 'off'`;
  await call(store, 'note_spent', query, [JSON.stringify(spent)]);
}

type Total = Omit<TaskSpent, 'taskId' | 'agentId'>;

export interface TaskStanding {
  /** What the whole tree was started for. */
  readonly purpose: string;
  readonly task: Total;
  readonly agent: Total;
}

/** Undefined: there is no such task. */
export async function taskStanding(store: Store, taskId: string): Promise<TaskStanding | undefined> {
  const query = `SELECT purpose, task_calls, task_tokens, task_microcents, agent_calls, agent_tokens, agent_microcents
    FROM estop.task_standing($1)`;
  const [row] = await call(store, 'task_standing', query, [taskId]);
  if (row === undefined) return undefined;
  const total = (of: 'task' | 'agent'): Total => ({
    calls: int(row, `${of}_calls`),
    tokens: int(row, `${of}_tokens`),
    microcents: int(row, `${of}_microcents`),
  });
  return { purpose: text(row, 'purpose'), task: total('task'), agent: total('agent') };
}
