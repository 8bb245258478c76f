import type { EstopConfig } from '../../contract/config.ts';

export interface ConfigChange {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What a reload would change, block by block, in a stable order. Holds no secrets, because the configuration holds none. */
export function diffConfig(before: EstopConfig, after: EstopConfig): readonly ConfigChange[] {
  return diffValue(byName(before), byName(after), '');
}

function byName(config: EstopConfig): Record<string, unknown> {
  return {
    environment: config.environment,
    trustDomain: config.trustDomain,
    agents: Object.fromEntries(config.agents.map((item) => [item.agentId, item])),
    connectors: Object.fromEntries(config.connectors.map((item) => [item.connectorId, item])),
    tools: Object.fromEntries(config.toolServers.map((item) => [item.serverId, item])),
    vault: config.vault,
    models: Object.fromEntries(config.models.map((item) => [item.modelId, item])),
    notifications: config.notifications,
    triggers: config.triggers,
    playbooks: config.playbooks,
    drills:
      config.drills && Object.fromEntries(config.drills.map(({ connectorId, everyMs }) => [connectorId, { everyMs }])),
  };
}

function diffValue(before: unknown, after: unknown, path: string): ConfigChange[] {
  if (before === undefined && after === undefined) return [];
  if (before === undefined) return [{ kind: 'added', path, after }];
  if (after === undefined) return [{ kind: 'removed', path, before }];
  if (isRecord(before) && isRecord(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => diffValue(before[key], after[key], path === '' ? key : `${path}.${key}`));
  }
  return isSame(before, after) ? [] : [{ kind: 'changed', path, before, after }];
}

/** Two documents may hold the same things in another order of keys: the store keeps no order. */
function isSame(before: unknown, after: unknown): boolean {
  if (Array.isArray(before) && Array.isArray(after))
    return before.length === after.length && before.every((item, index) => isSame(item, after[index]));
  if (!isRecord(before) || !isRecord(after)) return Object.is(before, after);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].every((key) => isSame(before[key], after[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
