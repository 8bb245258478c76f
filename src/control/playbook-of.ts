import type { PlaybookChoice } from '../contract/http/playbooks.ts';
import { cuttingPhases } from '../contract/phases.ts';
import { choosePlaybook, labelsOfScope, mustWait, type Playbook } from '../core/playbook.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import { getTask } from '../store/tasks.ts';
import type { ControlDeps } from './deps.ts';

/** The one that a stop of this scope would follow now. Where the store does not say whose a task is, its labels count for nothing. */
export async function playbookOf(deps: ControlDeps, scopeKey: string, trigger?: string): Promise<Playbook | undefined> {
  const { agents, environment, playbooks = [] } = deps.config.current();
  if (playbooks.length === 0) return undefined;
  const scope = parseScopeKey(scopeKey);
  const task = scope?.kind === 'task' ? await getTask(deps.store, scope.value).catch(() => undefined) : undefined;
  return choosePlaybook(playbooks, {
    environment,
    scopeKey,
    labels: labelsOfScope(scopeKey, agents, task?.agentId),
    ...(trigger === undefined ? {} : { trigger }),
  });
}

export function showPlaybook({ playbookId, category, graceMs, waits, notify }: Playbook): PlaybookChoice {
  return {
    playbookId,
    category,
    graceMs,
    runs: cuttingPhases.filter((phase) => !mustWait(waits, [], phase)),
    waits: [...waits],
    notify: [...notify],
  };
}
