import type { ConfigSource } from '../../contract/config.ts';
import type { Authenticator, Role } from '../../contract/identity.ts';
import { permissions } from '../permission.ts';

/** The key of a token of tokens.json, by its SHA-256. */
export const tokenApprover = (tokenHash: Uint8Array): string => `token:${Buffer.from(tokenHash).toString('hex')}`;

interface Button {
  readonly endpointId: string;
  readonly teamId: string;
  readonly userId: string;
  readonly actor: string;
}

/** The key of somebody behind the buttons of one endpoint, as one of our identities. */
export const buttonApprover = ({ endpointId, teamId, userId, actor }: Button): string =>
  `button:${JSON.stringify([endpointId, teamId, userId, actor])}`;

/** Whom the ledger does not know by itself, and who may approve now. */
export function listedApprovers(authenticator: Authenticator, config: ConfigSource): readonly string[] {
  const tokens = (authenticator.held?.() ?? []).filter(mayApprove).map(({ tokenHash }) => tokenApprover(tokenHash));
  const endpoints = config.current().notifications?.endpoints ?? [];
  const buttons = endpoints.flatMap((endpoint) => {
    const behind = endpoint.type === 'slack' ? endpoint.buttons : undefined;
    return (behind?.people ?? [])
      .filter(mayApprove)
      .map((person) => buttonApprover({ ...person, endpointId: endpoint.endpointId, teamId: behind?.teamId ?? '' }));
  });
  return [...tokens, ...buttons];
}

function mayApprove({ roles }: { readonly roles: readonly Role[] }): boolean {
  const allowed: readonly Role[] = permissions['approval:decide'];
  return roles.some((role) => allowed.includes(role));
}
