import type { AgentTaskInput, SessionTerms } from '../contract/agent-task.ts';
import { type AgentSpec, defaultSessionLimits, type SessionLimits } from '../contract/config.ts';
import type { StartTask } from '../contract/http/tasks.ts';
import { personOf } from '../contract/identity.ts';
import { currentTraceId } from '../contract/tracing.ts';
import { EstopError } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import { type Registration, registerRoot } from '../store/task-registration.ts';
import { closeTasks, getTask, type TaskRecord } from '../store/tasks.ts';
import type { ControlDeps } from './deps.ts';
import type { RequestInfo } from './endpoint.ts';
import { openTaskFlow } from './open-task-flow.ts';

const neverStarted = 'never-started';
const mostAttempts = 20;

type Wanted = StartTask & { readonly session?: Partial<SessionLimits> };

/**
 * Registered, committed, looked at again, its request remembered, and only then started. The id follows from the
 * Idempotency-Key, so a request that was cut off half way finds its own registration. rule: register-before-start, mint-reread
 */
export async function startTask(
  deps: ControlDeps,
  wanted: Wanted,
  request: Pick<RequestInfo, 'identity' | 'seed'> & Partial<Pick<RequestInfo, 'header'>>,
): Promise<string> {
  const agent = deps.config.current().agents.find((candidate) => candidate.agentId === wanted.agentId);
  if (agent === undefined) throw new EstopError('unknown-agent');
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const taskId = formatId('task', deps.environment, request.seed(attempt));
    const registration = await registerRoot(deps.store, {
      taskId,
      agent,
      purpose: wanted.purpose ?? '',
      requestedBy: personOf(request.identity),
      kind: wanted.session === undefined ? 'task' : 'session',
    });
    if (registration.kind === 'registered') {
      await openTaskFlow(deps, { taskId, agent, request: `${wanted.prompt}\n${wanted.purpose ?? ''}` });
      await startWorkflow(deps, inputOf(registration.task, agent, wanted));
      deps.log.info({ event: 'task.started', taskId, traceId: currentTraceId() }, 'a task was started');
      return taskId;
    }
    // An earlier try under this key came as far as the store and no further; its id is used up, so take the next.
    if (registration.kind === 'refused' && registration.reason === 'closed') {
      const known = await getTask(deps.store, taskId);
      if (known?.outcome === neverStarted) continue;
      return taskId; // it ran and ended: the same key is the same task
    }
    throw refusal(registration);
  }
  throw new EstopError('temporal-unavailable', { detail: 'Too many tries under one Idempotency-Key; use another.' });
}

/**
 * Where it is not known that the workflow started, the row is closed first: a start that arrives after all finds it closed in its
 * first act and ends. So the caller's retry makes a new task and never a second one.
 */
async function startWorkflow(deps: ControlDeps, input: AgentTaskInput): Promise<void> {
  try {
    await deps.workflows.start(input);
  } catch (thrown) {
    await closeTasks(deps.store, [input.taskId], neverStarted);
    throw thrown;
  }
}

function inputOf(task: TaskRecord, agent: AgentSpec, { prompt, session }: Wanted): AgentTaskInput {
  const { maxSteps, maxTokens, approvalTtlMs, maxDepth, maxFanOut } = agent.limits;
  return {
    taskId: task.taskId,
    agentId: task.agentId,
    rootTaskId: task.rootId,
    epoch: task.epoch,
    prompt,
    modelId: agent.model,
    limits: { maxSteps, maxTokens, approvalTtlMs, maxDepth, maxFanOut },
    ...(session === undefined ? {} : { session: termsOf(task, agent.session ?? defaultSessionLimits, session) }),
  };
}

/** Whoever opens one may ask for less than the configuration allows, never for more. */
function termsOf(task: TaskRecord, allowed: SessionLimits, asked: Partial<SessionLimits>): SessionTerms {
  const lifeMs = Math.min(allowed.lifeMs, asked.lifeMs ?? allowed.lifeMs);
  return {
    openedAt: task.registeredAt,
    idleMs: Math.min(allowed.idleMs, asked.idleMs ?? allowed.idleMs),
    endsAt: new Date(Date.parse(task.registeredAt) + lifeMs).toISOString(),
  };
}

function refusal(registration: Exclude<Registration, { kind: 'registered' }>): EstopError {
  if (registration.kind === 'stopped')
    return new EstopError('stopped', { detail: `Covered by ${registration.stopId}.` });
  switch (registration.reason) {
    case 'unknown-agent':
      return new EstopError('unknown-agent');
    case 'too-many-open':
      return new EstopError('limit-exceeded', {
        detail: 'This agent has as many open tasks as its maxOpenTasks allows.',
      });
    case 'unknown-parent':
    case 'parent-closed':
    case 'too-deep':
    case 'too-many-children':
    case 'id-taken':
    case 'not-allowed':
    case 'closed':
      return new EstopError('conflict', { detail: `The task could not be registered: ${registration.reason}.` });
  }
}
