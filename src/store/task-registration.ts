import type { AgentSpec } from '../contract/config.ts';
import { modelKey, taskKeys } from '../core/scope-key.ts';
import { callOne, type Store } from './pool.ts';
import { text, textOrUndefined, word } from './row.ts';
import { closeTasks, getTask, type TaskKind, type TaskRecord, taskOf } from './tasks.ts';

const refusals = [
  'unknown-agent',
  'unknown-parent',
  'parent-closed',
  'too-deep',
  'too-many-children',
  'too-many-open',
  'id-taken',
] as const;

export type RegistrationRefusal = (typeof refusals)[number] | 'not-allowed' | 'closed';

export type Registration =
  /** `fresh` is false where a retry found its own registration: the workflow may have been started already. */
  | { readonly kind: 'registered'; readonly fresh: boolean; readonly task: TaskRecord }
  | { readonly kind: 'stopped'; readonly stopId: string }
  | { readonly kind: 'refused'; readonly reason: RegistrationRefusal };

export interface RootRequest {
  readonly taskId: string;
  readonly agent: AgentSpec;
  readonly purpose: string;
  /** Whoever asked for it; this identity can never approve what the task, or any child of it, asks for. */
  readonly requestedBy: string;
  readonly kind?: TaskKind;
}

export interface ChildRegistration {
  readonly taskId: string;
  readonly parentTaskId: string;
  readonly parentAgent: AgentSpec;
  readonly agent: AgentSpec;
  readonly purpose: string;
}

/**
 * Registered, committed, and looked at once more, before anybody may start its workflow. rule: register-before-start, mint-reread
 */
export async function registerRoot(store: Store, request: RootRequest): Promise<Registration> {
  return register(store, request, undefined, request.agent, request.requestedBy, request.kind);
}

/** The parent's limits bound depth and width; `mayStart` of the parent's agent decides whose tasks these can be. */
export async function registerChild(store: Store, request: ChildRegistration): Promise<Registration> {
  const parent = await getTask(store, request.parentTaskId);
  if (parent === undefined) return { kind: 'refused', reason: 'unknown-parent' };
  if (parent.agentId !== request.parentAgent.agentId) return { kind: 'refused', reason: 'not-allowed' };
  if (!request.parentAgent.mayStart.includes(request.agent.agentId)) return { kind: 'refused', reason: 'not-allowed' };
  return register(store, request, parent, request.parentAgent, parent.requestedBy);
}

async function register(
  store: Store,
  request: Pick<RootRequest, 'taskId' | 'agent' | 'purpose'>,
  parent: TaskRecord | undefined,
  treeLimits: AgentSpec,
  requestedBy: string,
  kind: TaskKind = 'task',
): Promise<Registration> {
  const { taskId, agent } = request;
  const keys = taskKeys({ taskId, agentId: agent.agentId, labels: agent.labels, parentKeys: parent?.keys ?? [] });
  const row = await callOne(
    store,
    'register_task',
    'SELECT decision, stop_id, epoch FROM estop.register_task($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      taskId,
      agent.agentId,
      parent?.taskId ?? null,
      [...keys, modelKey(agent.model)],
      request.purpose,
      requestedBy,
      treeLimits.limits.maxDepth,
      treeLimits.limits.maxFanOut,
      agent.limits.maxOpenTasks,
      kind,
    ],
  );
  const decision = word(row, 'decision', ['registered', 'exists', 'stopped', ...refusals] as const);
  if (decision === 'stopped') return { kind: 'stopped', stopId: text(row, 'stop_id') };
  if (decision !== 'registered' && decision !== 'exists') return { kind: 'refused', reason: decision };
  return lookAgain(store, taskId, decision === 'registered');
}

async function lookAgain(store: Store, taskId: string, fresh: boolean): Promise<Registration> {
  const row = await callOne(
    store,
    'look_again',
    'SELECT t.*, estop.dead_by(t.keys, t.agents, t.epoch) AS killer FROM estop.tasks t WHERE t.task_id = $1',
    [taskId],
  );
  const stopId = textOrUndefined(row, 'killer');
  if (stopId !== undefined) {
    // Nothing was started under a fresh registration, so closing it here is seeing it closed.
    if (fresh) await closeTasks(store, [taskId], 'never-started');
    return { kind: 'stopped', stopId };
  }
  const task = taskOf(row);
  return task.state === 'closed' ? { kind: 'refused', reason: 'closed' } : { kind: 'registered', fresh, task };
}
