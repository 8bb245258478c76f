import type { Identity, Role } from '../contract/identity.ts';

/**
 * Who may do what, in one table. An operator can stop, reset, hold; an approver can decide; only an admin can let something
 * stay alive. `agent-worker` fetches task tokens and sees nothing else, because it runs beside agent code.
 */
export const permissions = {
  'agent:read': ['viewer', 'approver', 'operator', 'admin', 'service'],
  /** It names hosts, and where secrets are kept. */
  'config:read': ['operator', 'admin'],
  'policy:read': ['viewer', 'approver', 'operator', 'admin'],
  'policy:activate': ['admin'],
  'task:read': ['viewer', 'approver', 'operator', 'admin', 'service'],
  'task:start': ['service', 'operator', 'admin'],
  'task:close': ['service', 'operator', 'admin'],
  'task:hold': ['operator', 'admin'],
  'task:token': ['agent-worker', 'service', 'admin'],
  'stop:read': ['viewer', 'approver', 'operator', 'admin', 'service'],
  'stop:note': ['operator', 'admin'],
  /** Lets what a playbook holds back of a stop go on: more of the stop, never less. */
  'stop:proceed': ['operator', 'admin'],
  'stop:reset': ['operator', 'admin'],
  'breaker:reset': ['operator', 'admin'],
  'approval:read': ['viewer', 'approver', 'operator', 'admin'],
  'approval:decide': ['approver', 'admin'],
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
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export function isPermitted(identity: Identity, permission: Permission): boolean {
  const allowed: readonly Role[] = permissions[permission];
  return identity.roles.some((role) => allowed.includes(role));
}
