import { type AgentSpec, defaultSignIn } from '../../contract/config.ts';
import { mandatesOf, personNamed } from '../../core/mandate.ts';
import type { Redeemed } from '../../store/client-tickets.ts';
import { getPerson } from '../../store/people.ts';
import type { ControlDeps } from '../deps.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { isWithinReach } from '../permission.ts';
import type { Caller } from '../sign-in/callers.ts';

/** Those that this person answers for, and those that a role of theirs lets them start. A role that was taken for a while lets nobody in. */
export function agentsOf(deps: ControlDeps, caller: Caller): readonly AgentSpec[] {
  if (caller.elevation !== undefined) return [];
  const names = namesOfCaller(caller, deps);
  return deps.config
    .current()
    .agents.filter(
      ({ owner, labels }) => names.includes(owner.toLowerCase()) || isWithinReach(caller, 'task:start', [labels]),
    );
}

/** Whether whoever connected a client might still do it: what it is given is worth what its person is now. */
export async function mayStillConnect(
  deps: ControlDeps,
  given: Extract<Redeemed, { readonly kind: 'redeemed' }>,
): Promise<boolean> {
  const caller = await personNow(deps, given);
  return caller !== undefined && agentsOf(deps, caller).some(({ agentId }) => agentId === given.agentId);
}

async function personNow(
  deps: ControlDeps,
  { basis, personId }: Extract<Redeemed, { readonly kind: 'redeemed' }>,
): Promise<Caller | undefined> {
  // What a token gives is read from the token's own list, now: taken away there, it is gone here.
  if (basis !== undefined) return deps.authenticator.standingOf?.(basis);
  const record = await getPerson(deps.store, personId);
  if (record === undefined) return undefined;
  const { name, subject, groups } = record;
  const { roles, persons } = deps.config.current().signIn ?? defaultSignIn;
  const mandates = mandatesOf({ names: [name, `sub:${subject}`], groups }, roles);
  const everywhere = mandates.filter(({ labels }) => labels === undefined).map(({ role }) => role);
  return { actor: name, person: personNamed(name, persons), roles: everywhere, mandates };
}
