import type { Role } from '../../contract/identity.ts';
import { type Labels, type Mandate, personRoles } from '../../core/mandate.ts';

const roles: readonly unknown[] = [...personRoles, 'service'] satisfies readonly Role[];

interface Written {
  readonly role: Role;
  readonly labels?: Labels;
  readonly since?: string;
}

/** As the ledger holds them, written by this process alone. Whatever else is there gives nothing. */
export function writtenIn(value: unknown): readonly Written[] {
  return Array.isArray(value) ? value.filter(isWritten) : [];
}

export const mandatesIn = (value: unknown): readonly Mandate[] =>
  writtenIn(value).filter((one): one is Mandate => personRoles.some((role) => role === one.role));

/** Those that reach everything. */
export const rolesIn = (value: unknown): readonly Role[] =>
  writtenIn(value).flatMap(({ role, labels }) => (labels === undefined ? [role] : []));

const isWritten = (value: unknown): value is Written =>
  typeof value === 'object' &&
  value !== null &&
  'role' in value &&
  roles.includes(value.role) &&
  (!('since' in value) || typeof value.since === 'string') &&
  (!('labels' in value) || isLabels(value.labels));

const isLabels = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => typeof one === 'string');
