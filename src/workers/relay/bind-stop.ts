import type { Log } from '../../contract/identity.ts';
import { choosePlaybook, labelsOfScope } from '../../core/playbook.ts';
import { parseScopeKey } from '../../core/scope-key.ts';
import { triggerOf } from '../../core/trigger.ts';
import { bindPlaybook } from '../../store/playbooks.ts';
import type { Store } from '../../store/pool.ts';
import { getStop } from '../../store/stops.ts';
import { getTask } from '../../store/tasks.ts';
import type { ResponseConfig } from './news-round.ts';

/**
 * Before a stop is worked off, what was agreed about its kind is written down. Whatever goes wrong here is said and holds up nothing:
 * without a playbook every phase runs by itself, which is more of a stop and not less.
 */
export async function bindStop(
  store: Store,
  stopId: string,
  config: ResponseConfig | undefined,
  log: Log,
): Promise<void> {
  const playbooks = config?.playbooks ?? [];
  if (config === undefined || playbooks.length === 0) return;
  try {
    const stop = await getStop(store, stopId);
    if (stop === undefined) return;
    const { scopeKey } = stop;
    const scope = parseScopeKey(scopeKey);
    const task = scope?.kind === 'task' ? await getTask(store, scope.value) : undefined;
    const trigger = triggerOf(stop);
    const playbook = choosePlaybook(playbooks, {
      environment: config.environment,
      scopeKey,
      labels: labelsOfScope(scopeKey, config.agents, task?.agentId),
      ...(trigger === undefined ? {} : { trigger }),
    });
    if (playbook === undefined) return;
    await bindPlaybook(store, stopId, playbook);
    log.info({ event: 'playbook.bound', stopId, playbookId: playbook.playbookId }, 'a stop follows a playbook');
  } catch (thrown) {
    log.error(
      { event: 'playbook.not-bound', stopId, cause: String(thrown) },
      'no playbook could be written down for a stop: every phase of it runs by itself',
    );
  }
}
