import { admittedMethods, toolOfMethod } from '../contract/admitted-methods.ts';
import type { EstopConfig } from '../contract/config.ts';
import { parseScopeKey, type Scope } from '../core/scope-key.ts';
import { scopesOnRecord } from '../store/scope-on-record.ts';
import type { ControlDeps } from './deps.ts';

/**
 * A stop is latched without a look at its name, so a slip of the pen stops nobody and is soon proved: whoever reads that it is must
 * be told. What was here once and is gone was here.
 */
export async function isScopeKnown(deps: ControlDeps, scopeKey: string): Promise<boolean> {
  return (await knownScopes(deps, [scopeKey])).has(scopeKey);
}

/** The same of many, with one question at most. */
export async function knownScopes(
  { store, config }: ControlDeps,
  scopeKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  const scopes = [...new Set(scopeKeys)].flatMap((key) => {
    const scope = parseScopeKey(key);
    return scope === undefined ? [] : [{ key, scope }];
  });
  const here = scopes.filter(({ scope }) => isConfigured(config.current(), scope)).map(({ key }) => key);
  const others = scopes.filter(({ key }) => !here.includes(key)).map(({ scope }) => scope);
  return new Set([...here, ...(others.length === 0 ? [] : await scopesOnRecord(store, others))]);
}

function isConfigured({ connectors, toolServers, models, agents }: EstopConfig, { kind, value }: Scope): boolean {
  switch (kind) {
    case 'fleet':
      return true;
    case 'agent':
    case 'task':
    case 'label':
      return false; // these count from when the ledger has them
    case 'connector':
      return connectors.some(({ connectorId }) => connectorId === value);
    case 'model':
      return models.some(({ modelId }) => modelId === value);
    case 'tool':
      return (
        agents.some(({ tools }) => Object.hasOwn(tools, value)) || toolServers.some((server) => names(server, value))
      );
  }
}

const methods: ReadonlySet<string> = new Set(admittedMethods.map(toolOfMethod));

/** Tools that nobody has seen yet, and what every server has besides. */
function names({ serverId, tiers, labels, roles }: EstopConfig['toolServers'][number], value: string): boolean {
  if (!value.startsWith(`${serverId}/`)) return false;
  const tool = value.slice(serverId.length + 1);
  return (
    methods.has(tool) || [tiers, labels, roles].some((byTool) => byTool !== undefined && Object.hasOwn(byTool, tool))
  );
}
