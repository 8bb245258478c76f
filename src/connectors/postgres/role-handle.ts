import { EstopError } from '../../core/errors.ts';
import type { LedgerGrant } from '../kit/contract.ts';

/** The role's name from the kill handle, as the plan wrote it before the issuer was asked. */
export function roleOf(grant: LedgerGrant): string {
  const role = grant.handle['role'];
  if (typeof role !== 'string' || role === '')
    throw new EstopError('internal', { detail: 'The handle of this grant names no role.' });
  return role;
}

export interface SeenRoles {
  add(role: string): void;
  has(role: string): boolean;
}

const mostRemembered = 20_000;

/** Roles that this process saw alive. Forgetting one is safe: "already gone" becomes "not found". */
export function seenRoles(): SeenRoles {
  const names = new Set<string>();
  return {
    has: (role) => names.has(role),
    add: (role) => {
      names.delete(role);
      names.add(role);
      const [oldest] = names;
      if (names.size > mostRemembered && oldest !== undefined) names.delete(oldest);
    },
  };
}
