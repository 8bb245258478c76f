import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { EstopConfig } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { registerAgents, settleLabels } from '../store/agents.ts';
import { recordConfig } from '../store/config-versions.ts';
import { storeIdentity } from '../store/installation.ts';
import type { Store } from '../store/pool.ts';
import { applyPeople } from './sign-in/apply-people.ts';

const retryMs = 500;

/** Writes the agents of a configuration into the ledger and remembers the version. The document holds references to secrets, never one. */
export async function applyConfig(store: Store, config: EstopConfig, actor: string, log: Log): Promise<void> {
  await applyPeople(store, config);
  await settleLabels(store);
  const registered = await registerAgents(store, config.agents);
  if (registered.kind === 'refused') {
    log.error(
      { event: 'config.refused', withOpenTasks: registered.withOpenTasks },
      'agents with open tasks are gone from the configuration; the ledger keeps the old agents until they are closed',
    );
    return;
  }
  const document = JSON.stringify(config);
  await recordConfig(store, actor, createHash('sha256').update(document).digest('hex'), config);
}

/** At the start: the store may come up later than this process. A store of another environment is refused for good. */
export async function applyConfigWhenReachable(
  store: Store,
  config: EstopConfig,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { environment } = await storeIdentity(store);
      if (environment !== config.environment) {
        throw new EstopError('foreign-environment', {
          detail: `the store belongs to environment ${environment}, the configuration to ${config.environment}`,
        });
      }
      return await applyConfig(store, config, 'configuration', log);
    } catch (thrown) {
      if (errorCodeOf(thrown) !== 'store-unavailable') throw thrown;
      await pause(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
