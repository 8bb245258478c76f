import type { EstopConfig } from '../../contract/config.ts';
import { type CredentialUse, credentialUses, referenceText, wronglyShared } from '../../contract/credential-use.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { ConfigProblem } from './problems-of.ts';
import { unknownName } from './unknown-name.ts';

/**
 * What of its credentials a configuration must not say. Values are not known here: two references that hold one value are found by
 * the gateway that reads them, and by whoever sets a sealed secret.
 */
export function credentialFaults(config: EstopConfig): readonly ConfigProblem[] {
  return [...sharedReferences(config), ...unknownNames(config)];
}

function sharedReferences(config: EstopConfig): readonly ConfigProblem[] {
  const byReference = new Map<string, CredentialUse[]>();
  for (const use of credentialUses(config)) {
    const same = byReference.get(referenceText(use.reference));
    if (same === undefined) byReference.set(referenceText(use.reference), [use]);
    else same.push(use);
  }
  return [...byReference.values()].flatMap((uses) => {
    const agents = wronglyShared(uses);
    const [first] = uses.filter((use) => use.agents.length > 0);
    if (agents.length === 0 || first === undefined) return [];
    const message = `is one credential for ${agents.join(', ')}: give each its own under \`credentials\`, or name them all under \`sharedBy\``;
    return [{ path: first.path, message }];
  });
}

function unknownNames({ toolServers, agents, connectors, vault }: EstopConfig): readonly ConfigProblem[] {
  const agentIds = agents.map(({ agentId }) => agentId);
  const isAgent = (agentId: string): boolean => agentIds.includes(agentId);
  return toolServers.flatMap(({ serverId, credentials, grant, sharedBy, process, credential }) => {
    const at = ['tools', serverId];
    const references = [credential, ...Object.values(credentials ?? {}), ...Object.values(process?.env ?? {})];
    const usesVault = references.some((one) => typeof one === 'object' && one.vault !== undefined);
    return [
      ...Object.keys(credentials ?? {})
        .filter((agentId) => !isAgent(agentId))
        .map((agentId) => ({
          path: [...at, 'credentials', agentId],
          message: `is no agent that \`agents\` has${didYouMean(agentId, agentIds)}`,
        })),
      ...(sharedBy ?? [])
        .filter((agentId) => !isAgent(agentId))
        .map((agentId) => ({
          path: [...at, 'sharedBy'],
          message: unknownName('', agentId, 'agents', agentIds),
        })),
      ...(grant === undefined || connectors.some(({ connectorId }) => connectorId === grant.connector)
        ? []
        : [
            {
              path: [...at, 'credential', 'grant'],
              message: unknownName(
                'connector',
                grant.connector,
                'connectors',
                connectors.map(({ connectorId }) => connectorId),
              ),
            },
          ]),
      ...(grant !== undefined && credentials !== undefined
        ? [{ path: [...at, 'credentials'], message: 'does not go with a grant, which is each task’s own' }]
        : []),
      ...(process !== undefined && (credential ?? credentials ?? grant) !== undefined
        ? [{ path: at, message: 'is a process: what it needs to know goes into its env' }]
        : []),
      ...(usesVault && vault === undefined
        ? [{ path: at, message: 'names the vault, and there is no block `vault`' }]
        : []),
    ];
  });
}
