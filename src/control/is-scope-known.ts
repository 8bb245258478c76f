import { parseScopeKey } from '../core/scope-key.ts';
import { isScopeOnRecord } from '../store/scope-on-record.ts';
import type { ControlDeps } from './deps.ts';

/**
 * A stop is latched without a look at its name, so a slip of the pen stops nobody and is soon proved: whoever reads that it is must
 * be told. A tool goes by its server, since what one offers changes.
 */
export async function isScopeKnown({ store, config }: ControlDeps, scopeKey: string): Promise<boolean> {
  const scope = parseScopeKey(scopeKey);
  if (scope === undefined) return false;
  const { connectors, toolServers, models } = config.current();
  const { kind, value } = scope;
  switch (kind) {
    case 'fleet':
      return true;
    case 'agent':
    case 'task':
    case 'label':
      return isScopeOnRecord(store, scope);
    case 'connector':
      return connectors.some(({ connectorId }) => connectorId === value);
    case 'tool':
      return toolServers.some(({ serverId }) => value.startsWith(`${serverId}/`));
    case 'model':
      return models.some(({ modelId }) => modelId === value);
  }
}
