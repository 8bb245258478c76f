import type { Identity, Role } from '../contract/identity.ts';
import { EstopError } from '../core/errors.ts';
import { type Labels, reaches } from '../core/mandate.ts';
import type { Concern } from './concern.ts';

/**
 * Who may do what, in one table. An operator can stop, reset, hold; an approver can decide; only an admin can let something
 * stay alive. `agent-worker` fetches task tokens and sees nothing else, because it runs beside agent code.
 */
export const permissions = {
  'agent:read': ['viewer', 'approver', 'operator', 'admin', 'service'],
  /** It names hosts, and where secrets are kept. */
  'config:read': ['operator', 'admin'],
  'audit:read': ['viewer', 'approver', 'operator', 'admin'],
  'policy:read': ['viewer', 'approver', 'operator', 'admin'],
  'policy:activate': ['admin'],
  'task:read': ['viewer', 'approver', 'operator', 'admin', 'service'],
  'task:start': ['service', 'operator', 'admin'],
  'task:close': ['service', 'operator', 'admin'],
  'task:hold': ['operator', 'admin'],
  /** Prompts, answers and what tools said, as Temporal keeps them sealed. */
  'task:decrypt': ['operator', 'admin'],
  'task:token': ['agent-worker', 'service', 'admin'],
  'stop:read': ['viewer', 'approver', 'operator', 'admin', 'service'],
  'stop:note': ['operator', 'admin'],
  /** Lets what a playbook holds back of a stop go on: more of the stop, never less. */
  'stop:proceed': ['operator', 'admin'],
  'stop:reset': ['operator', 'admin'],
  'breaker:reset': ['operator', 'admin'],
  'approval:read': ['viewer', 'approver', 'operator', 'admin'],
  'approval:decide': ['approver', 'admin'],
  /** It reaches the system with the connector's own rights. */
  'connector:drill': ['operator', 'admin'],
  'tool:read': ['viewer', 'approver', 'operator', 'admin'],
  /** It lets agents call what was refused. */
  'tool:accept': ['admin'],
  'risk:accept': ['admin'],
  'notice:read': ['viewer', 'approver', 'operator', 'admin'],
  /** It ends the calling of further people. */
  'notice:acknowledge': ['approver', 'operator', 'admin'],
  'notice:test': ['operator', 'admin'],
  /** Names and who uses them; there is no reading of values. */
  'secret:read': ['operator', 'admin'],
  'secret:write': ['admin'],
  'sign-in:link': ['viewer', 'approver', 'operator', 'admin'],
  /** What everybody may do with what is their own. */
  'self:manage': ['viewer', 'approver', 'operator', 'admin', 'service'],
  'people:read': ['admin'],
  'people:manage': ['admin'],
  'elevation:read': ['viewer', 'approver', 'operator', 'admin'],
  /** The second person, and whoever looks at it afterwards. */
  'elevation:judge': ['operator', 'admin'],
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export function isPermitted(identity: Identity, permission: Permission): boolean {
  // Whoever is signed in may look after their own, also before anybody gave them a role: that is how a role is asked for.
  if (permission === 'self:manage' && identity.mandates !== undefined) return true;
  const allowed: readonly Role[] = permissions[permission];
  return (
    identity.roles.some((role) => allowed.includes(role)) ||
    (identity.mandates ?? []).some(({ role }) => allowed.includes(role))
  );
}

/** By a role that no labels bound. */
export function isOverAll(identity: Identity, permission: Permission): boolean {
  const allowed: readonly Role[] = permissions[permission];
  return identity.roles.some((role) => allowed.includes(role));
}

/** Labels bound what somebody may change. Reading has no bounds, and what is their own is theirs. */
const unbounded = (permission: Permission): boolean =>
  permission.endsWith(':read') || permission === 'self:manage' || permission === 'sign-in:link';

/** Whether somebody may do this to what is concerned. */
export function isWithinReach(identity: Identity, permission: Permission, concern: Concern): boolean {
  if (isOverAll(identity, permission)) return true;
  const allowed: readonly Role[] = permissions[permission];
  const mine = (identity.mandates ?? []).filter(({ role }) => allowed.includes(role));
  const isWithin = (labels: Labels): boolean => mine.some((mandate) => reaches(mandate, labels));
  return concern === 'nothing' || (concern !== 'everything' && concern.length > 0 && concern.every(isWithin));
}

/** Looked up only for those whose role does not reach everything. */
export async function refuseOutOfReach(
  identity: Identity,
  permission: Permission,
  concerned: () => Promise<Concern>,
): Promise<void> {
  if (unbounded(permission) || isOverAll(identity, permission)) return;
  if (!isWithinReach(identity, permission, await concerned())) throw outOfReach();
}

export const outOfReach = (): EstopError =>
  new EstopError('forbidden', { detail: 'Your role does not reach these agents.' });

/** Whether somebody had this right over these agents at that moment already. What was given later does not count for it. */
export function wasPermittedAt(identity: Identity, permission: Permission, labels: Labels, at: string): boolean {
  if (identity.mandates === undefined) return true;
  const allowed: readonly Role[] = permissions[permission];
  return identity.mandates.some(
    (mandate) =>
      allowed.includes(mandate.role) &&
      reaches(mandate, labels) &&
      (mandate.since === undefined || inMicroseconds(mandate.since) <= inMicroseconds(at)),
  );
}

/** Times of the store, told by its clock alone. Cut to milliseconds, what came just after would seem to have come before. */
export const inMicroseconds = (time: string): string =>
  time.replace(/(\.\d{1,6})?Z$/, (_, fraction = '.') => `${String(fraction).padEnd(7, '0')}Z`);
