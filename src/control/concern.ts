import type { Labels } from '../core/mandate.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import { getApproval } from '../store/approvals.ts';
import type { NoticeRecord } from '../store/notices.ts';
import { getObligation } from '../store/obligations.ts';
import { getStop } from '../store/stops.ts';
import { getTask } from '../store/tasks.ts';
import type { ControlDeps } from './deps.ts';

/**
 * What a request is about, told by the labels that its agents carry: whoever has a role over some labels may touch what carries them.
 * `everything` is within nobody's bounds; what is not known counts as everything, so that a refusal does not tell whether it exists.
 */
export type Concern = 'everything' | 'nothing' | readonly Labels[];

interface InPath {
  readonly path: { readonly id: string };
}

export function concernOfAgent(agentId: string, deps: ControlDeps): Concern {
  const agent = deps.config.current().agents.find((one) => one.agentId === agentId);
  return agent === undefined ? 'everything' : [agent.labels];
}

/** What a stop of this scope covers, as far as that can be told from labels: a wide one is about everything. */
export async function concernOfScope(scopeKey: string, deps: ControlDeps): Promise<Concern> {
  const scope = parseScopeKey(scopeKey);
  switch (scope?.kind) {
    case 'agent':
      return concernOfAgent(scope.value, deps);
    case 'task':
      return ofTask(scope.value, deps);
    case 'label': {
      const equals = scope.value.indexOf('=');
      return [{ [scope.value.slice(0, equals)]: scope.value.slice(equals + 1) }];
    }
    default:
      return 'everything';
  }
}

async function ofTask(taskId: string, deps: ControlDeps): Promise<Concern> {
  const task = await getTask(deps.store, taskId);
  return task === undefined ? 'everything' : concernOfAgent(task.agentId, deps);
}

export const taskInPath = ({ path }: InPath, deps: ControlDeps): Promise<Concern> => ofTask(path.id, deps);

export const agentInPath = async ({ path }: InPath, deps: ControlDeps): Promise<Concern> =>
  concernOfAgent(path.id, deps);

export const agentInBody = async (
  { body }: { readonly body: { readonly agentId: string } },
  deps: ControlDeps,
): Promise<Concern> => concernOfAgent(body.agentId, deps);

export async function stopInPath({ path }: InPath, deps: ControlDeps): Promise<Concern> {
  const stop = await getStop(deps.store, path.id);
  return stop === undefined ? 'everything' : concernOfScope(stop.scopeKey, deps);
}

export async function approvalInPath({ path }: InPath, deps: ControlDeps): Promise<Concern> {
  const approval = await getApproval(deps.store, path.id);
  return approval === undefined ? 'everything' : concernOfAgent(approval.agentId, deps);
}

export async function obligationInPath({ path }: InPath, deps: ControlDeps): Promise<Concern> {
  const obligation = await getObligation(deps.store, path.id);
  return obligation === undefined ? 'everything' : concernOfAgent(obligation.agentId, deps);
}

/** In the store a notice names no more of those it is about. */
const mostNamed = 50;

/**
 * Of a stop both whom it names and its scope: a stop of everything is no single team's, whoever was hit first. What names nobody, or
 * perhaps not all, is about everything.
 */
export async function concernOfNotice(
  { event, subject, agents }: Pick<NoticeRecord, 'event' | 'subject' | 'agents'>,
  deps: ControlDeps,
): Promise<Concern> {
  if (agents.length >= mostNamed) return 'everything';
  const named = agents.map((agentId) => concernOfAgent(agentId, deps));
  return event.startsWith('stop.')
    ? allOf([await stopInPath({ path: { id: subject } }, deps), ...named])
    : allOf(named);
}

function allOf(concerns: readonly Concern[]): Concern {
  const labels: Labels[] = [];
  for (const concern of concerns) {
    if (typeof concern === 'string') return 'everything';
    labels.push(...concern);
  }
  return labels.length === 0 ? 'everything' : labels;
}
