import type { TaskLife } from '../core/task.ts';
import { type Page, type PageRequest, pageLimit, pageOf, readCursor } from './page.ts';
import { call, callOne, type Store } from './pool.ts';
import { bool, int, present, type Row, text, textOrUndefined, texts, word } from './row.ts';
import { rowsOf, tables } from './tables.ts';

export type TaskLedgerState = TaskLife['state'];
export const taskLedgerStates = ['registered', 'running', 'closed'] as const satisfies readonly TaskLedgerState[];

/** A session stands for an agent that runs outside: its workflow does nothing but be there to be stopped. */
export type TaskKind = 'task' | 'session';
/** A drill is nobody's work: a connector is tried on a credential made for that. */
export const taskKinds = ['task', 'session', 'drill'] as const satisfies readonly (TaskKind | 'drill')[];

export interface TaskRecord {
  readonly taskId: string;
  readonly agentId: string;
  readonly parentId?: string;
  readonly rootId: string;
  /** From the root down, without the task itself. */
  readonly ancestors: readonly string[];
  /** This agent and those of every ancestor. */
  readonly agents: readonly string[];
  readonly keys: readonly string[];
  readonly epoch: number;
  readonly depth: number;
  readonly purpose: string;
  readonly kind: (typeof taskKinds)[number];
  readonly requestedBy: string;
  readonly state: TaskLedgerState;
  readonly held: boolean;
  readonly outcome?: string;
  readonly registeredAt: string;
  readonly closedAt?: string;
}

export interface TaskFilter extends PageRequest {
  readonly agentId?: string;
  readonly rootId?: string;
  readonly parentId?: string;
  readonly open?: boolean;
  /** Those that are open stay: what lives is never left out. */
  readonly withoutPastDrills?: boolean;
}

export interface TaskCheck {
  readonly state: TaskLedgerState;
  /** The stop that kills it, by the one rule. */
  readonly stopId?: string;
  /** It or an ancestor is held. */
  readonly held: boolean;
}

export async function getTask(store: Store, taskId: string): Promise<TaskRecord | undefined> {
  const [row] = await call(store, 'task', 'SELECT * FROM estop.tasks WHERE task_id = $1', [taskId]);
  return row === undefined ? undefined : taskOf(row);
}

/** The task's whole line: ancestors from the root down, and its direct children. */
export async function getLineage(
  store: Store,
  taskId: string,
): Promise<
  | { readonly task: TaskRecord; readonly ancestors: readonly TaskRecord[]; readonly children: readonly TaskRecord[] }
  | undefined
> {
  const rows = await call(
    store,
    'lineage',
    `SELECT r.* FROM estop.tasks t JOIN estop.tasks r ON r.task_id = ANY (t.ancestors || t.task_id) OR r.parent_id = t.task_id
     WHERE t.task_id = $1 ORDER BY r.depth, r.registered_at, r.task_id`,
    [taskId],
  );
  const line = rows.map(taskOf);
  const task = line.find((one) => one.taskId === taskId);
  if (task === undefined) return undefined;
  return {
    task,
    ancestors: line.filter((one) => task.ancestors.includes(one.taskId)),
    children: line.filter((one) => one.parentId === taskId),
  };
}

/** The newest session of an agent that this one asked for, and that no stop covers. */
export async function openSessionOf(
  store: Store,
  agentId: string,
  requestedBy: string,
): Promise<TaskRecord | undefined> {
  const [row] = await call(
    store,
    'open_session_of',
    `SELECT t.* FROM estop.tasks t
     WHERE t.agent_id = $1 AND t.requested_by = $2 AND t.kind = 'session' AND t.state <> 'closed' AND t.parent_id IS NULL
       AND estop.dead_by(t.keys, t.agents, t.epoch) IS NULL
     ORDER BY t.registered_at DESC LIMIT 1`,
    [agentId, requestedBy],
  );
  return row === undefined ? undefined : taskOf(row);
}

/** Newest first. */
export async function listTasks(store: Store, filter: TaskFilter = {}): Promise<Page<TaskRecord>> {
  const limit = pageLimit(filter);
  const after = readCursor(filter);
  let query = (await tables(store))
    .selectFrom('tasks')
    .selectAll()
    .orderBy('registered_at', 'desc')
    .orderBy('task_id', 'desc')
    .limit(limit + 1);
  if (after !== undefined)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('registered_at', 'task_id'), '<', tuple(after[0], after[1])),
    );
  if (filter.agentId !== undefined) query = query.where('agent_id', '=', filter.agentId);
  if (filter.rootId !== undefined) query = query.where('root_id', '=', filter.rootId);
  if (filter.parentId !== undefined) query = query.where('parent_id', '=', filter.parentId);
  // As text, letter for letter what the index over these rows says.
  if (filter.withoutPastDrills === true) {
    const { sql } = await import('kysely');
    query = query.where(sql<boolean>`(kind <> 'drill' OR state <> 'closed')`);
  }
  if (filter.open !== undefined) query = query.where('state', filter.open ? '<>' : '=', 'closed');
  const rows = await rowsOf(store, query);
  return pageOf(rows.map(taskOf), limit, (task) => [task.registeredAt, task.taskId]);
}

/** What a watcher asks about any task, and what stands between its registration and its start. Undefined if it is not registered. */
export async function checkTask(store: Store, taskId: string): Promise<TaskCheck | undefined> {
  const [row] = await call(store, 'check_task', 'SELECT state, stop_id, held FROM estop.check_task($1)', [taskId]);
  if (row === undefined) return undefined;
  return {
    state: word(row, 'state', taskLedgerStates),
    held: bool(row, 'held'),
    ...present({ stopId: textOrUndefined(row, 'stop_id') }),
  };
}

export type Beginning =
  | { readonly kind: 'running' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'stopped'; readonly stopId: string };

/** The workflow's first act. `closed` also where nothing of that id is registered: neither may run. */
export async function beginTask(store: Store, taskId: string): Promise<Beginning> {
  const row = await callOne(store, 'begin_task', 'SELECT decision, stop_id FROM estop.begin_task($1)', [taskId]);
  const decision = word(row, 'decision', ['running', 'closed', 'stopped'] as const);
  return decision === 'stopped' ? { kind: decision, stopId: text(row, 'stop_id') } : { kind: decision };
}

/** Category 2, over the task and its whole tree. False if it is closed or unknown. */
export async function setTaskHeld(
  store: Store,
  taskId: string,
  held: boolean,
  actor: string,
  reason?: string,
): Promise<boolean> {
  const values = [taskId, held, actor, reason ?? null];
  return bool(await callOne(store, 'hold_task', 'SELECT estop.hold_task($1, $2, $3, $4) AS done', values), 'done');
}

/** Only tasks that somebody SAW closed. Returns how many were open. rule: halted-by-describe */
export async function closeTasks(store: Store, taskIds: readonly string[], outcome: string): Promise<number> {
  return int(
    await callOne(store, 'close_tasks', 'SELECT estop.close_tasks($1, $2) AS closed', [taskIds, outcome]),
    'closed',
  );
}

export interface OpenTask {
  readonly taskId: string;
  readonly state: TaskLedgerState;
}

/** What this stop covers and nobody has seen closed yet, oldest first. */
export async function coveredOpenTasks(store: Store, stopId: string, limit: number): Promise<readonly OpenTask[]> {
  const rows = await call(store, 'covered_open_tasks', 'SELECT task_id, state FROM estop.covered_open_tasks($1, $2)', [
    stopId,
    limit,
  ]);
  return rows.map((row) => ({ taskId: text(row, 'task_id'), state: word(row, 'state', taskLedgerStates) }));
}

export function taskOf(row: Row): TaskRecord {
  return {
    taskId: text(row, 'task_id'),
    agentId: text(row, 'agent_id'),
    rootId: text(row, 'root_id'),
    ancestors: texts(row, 'ancestors'),
    agents: texts(row, 'agents'),
    keys: texts(row, 'keys'),
    epoch: int(row, 'epoch'),
    depth: int(row, 'depth'),
    purpose: text(row, 'purpose'),
    kind: word(row, 'kind', taskKinds),
    requestedBy: text(row, 'requested_by'),
    state: word(row, 'state', taskLedgerStates),
    held: bool(row, 'held'),
    registeredAt: text(row, 'registered_at'),
    ...present({
      parentId: textOrUndefined(row, 'parent_id'),
      outcome: textOrUndefined(row, 'outcome'),
      closedAt: textOrUndefined(row, 'closed_at'),
    }),
  };
}
