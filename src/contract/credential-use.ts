import type { AgentSpec, EstopConfig, SecretAt, ToolServerSpec } from './config.ts';

/** One place of estop.yaml that names a credential of an upstream, and the agents on whose calls it is used. */
export interface CredentialUse {
  readonly path: readonly string[];
  readonly reference: SecretAt;
  readonly agents: readonly string[];
  /** Those whom this place says to be known by one credential. */
  readonly sharedBy: readonly string[];
}

/**
 * Credentials of tool servers. Keys of model providers are left out: they reach nothing but inference, which is metered and cut
 * for each agent by itself (docs/decisions/0009-one-credential-one-agent.md).
 */
export function credentialUses({ agents, toolServers }: EstopConfig): readonly CredentialUse[] {
  return toolServers.flatMap((server) => usesOf(server, agents));
}

/** A sealed secret, wherever it is named: to be shown, and to be missed where it is not set. */
export interface SecretUse {
  readonly secret: string;
  readonly path: readonly string[];
  readonly agents: readonly string[];
}

/** Also the keys of model providers: whoever removes a secret has to know all that stands on it. */
export function secretUses(config: EstopConfig): readonly SecretUse[] {
  const ofModels = config.models.map(({ modelId, apiKey }) => ({
    reference: apiKey,
    path: ['models', modelId, 'apiKey'],
    agents: config.agents
      .filter(({ model, models = [] }) => model === modelId || models.includes(modelId))
      .map(({ agentId }) => agentId),
  }));
  return [...credentialUses(config), ...ofModels].flatMap(({ reference, path, agents }) =>
    reference?.secret === undefined ? [] : [{ secret: reference.secret, path, agents }],
  );
}

function usesOf(server: ToolServerSpec, agents: readonly AgentSpec[]): readonly CredentialUse[] {
  const { serverId, credential, credentials, grant, process, sharedBy = [] } = server;
  const all = agents.filter((agent) => mayUseServer(agent, serverId)).map(({ agentId }) => agentId);
  const isOnlyForLists = credentials !== undefined || grant !== undefined;
  const use = (path: readonly string[], reference: SecretAt, users: readonly string[]): CredentialUse => ({
    path: ['tools', serverId, ...path],
    reference,
    agents: users,
    sharedBy,
  });
  return [
    ...(credential === undefined ? [] : [use(['credential'], credential, isOnlyForLists ? [] : all)]),
    ...Object.entries(credentials ?? {}).map(([agentId, reference]) =>
      use(['credentials', agentId], reference, [agentId]),
    ),
    ...Object.entries(process?.env ?? {}).flatMap(([name, value]) =>
      typeof value === 'string' ? [] : [use(['env', name], value, all)],
    ),
  ];
}

export function mayUseServer({ tools, resources = [], prompts = [] }: AgentSpec, serverId: string): boolean {
  return [...Object.keys(tools), ...resources, ...prompts].some((line) => line.startsWith(`${serverId}/`));
}

/** The agents that one and the same credential would stand for although estop.yaml does not say so; empty if that is in order. */
export function wronglyShared(uses: readonly CredentialUse[]): readonly string[] {
  const agents = [...new Set(uses.flatMap((use) => use.agents))];
  if (agents.length < 2) return [];
  const isSaid = uses.every((use) => use.agents.length === 0 || agents.every((agent) => use.sharedBy.includes(agent)));
  return isSaid ? [] : agents;
}

/** One text for one place where a secret lies. */
export const referenceText = ({ file, env, secret, vault }: SecretAt): string =>
  JSON.stringify([file ?? null, env ?? null, secret ?? null, vault === undefined ? null : [vault.path, vault.field]]);

export interface SharedCredential {
  readonly at: string;
  readonly agents: readonly string[];
}

/** What the configuration says outright: places where one credential may stand for several agents. Shown wherever agents are. */
export function sharedCredentials(config: EstopConfig): readonly SharedCredential[] {
  return config.toolServers.flatMap(({ serverId, sharedBy = [] }) =>
    sharedBy.length > 1 ? [{ at: `tools.${serverId}`, agents: sharedBy }] : [],
  );
}
