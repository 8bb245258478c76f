import type { Context, MiddlewareHandler } from 'hono';
import { personOf } from '../../contract/identity.ts';
import { stopProofCookie } from '../../contract/sign-in-cookies.ts';
import { reaches } from '../../core/mandate.ts';
import { agentKey, labelKey } from '../../core/scope-key.ts';
import type { ControlDeps } from '../deps.ts';
import type { Caller } from './callers.ts';
import { clearSecretCookie, readProofCookie, writeSecretCookie } from './sign-in-cookie.ts';

/** A night: so long may store and identity provider be away, and whoever had signed in before still stops things. */
const lifeMs = 8 * 3_600_000;
const renewEveryMs = 15 * 60_000;
const mostCharacters = 3_500;
const mayStop: readonly string[] = ['operator', 'admin'];

type Statement = Parameters<ControlDeps['proofs']['sign']>[0];

/**
 * Undefined for whoever may stop nothing. It is only ever looked at while nobody can be asked: as soon as the store answers, the stop
 * process goes by what the store says, and whoever lost the right there is refused whatever they show.
 */
export function stopProofFor(caller: Caller, deps: ControlDeps): string | undefined {
  const statement = statementOf(caller, deps);
  if (statement === undefined) return undefined;
  const proof = deps.proofs.sign(statement);
  if (proof.length <= mostCharacters || statement.scopes === undefined) return proof;
  // A browser keeps no longer cookie: then the labels alone, by which the same agents can be stopped.
  return deps.proofs.sign({ ...statement, scopes: statement.scopes.filter((key) => key.startsWith('label:')) });
}

/** What was taken for a while stands beside what is theirs anyway, so that the one ends without the other. */
function statementOf(caller: Caller, deps: ControlDeps): Statement | undefined {
  const { actor, signInId, elevation } = caller;
  if (signInId === undefined) return undefined;
  const expiresAt = Date.now() + lifeMs;
  const said = { actor, person: personOf(caller), signInId };
  const elevated = elevation !== undefined && mayStop.includes(elevation.role) ? elevation : undefined;
  const until = elevated === undefined ? 0 : Date.parse(elevated.until);
  const marked = elevated === undefined ? actor : `${actor} (elevated, ${elevated.elevationId})`;
  const scopes = stopScopesOf(standingOf(caller), deps);
  switch (scopes) {
    case 'all':
      return { ...said, expiresAt };
    case 'none':
      return elevated === undefined ? undefined : { ...said, actor: marked, expiresAt: Math.min(expiresAt, until) };
    default:
      return { ...said, scopes, expiresAt, ...(elevated === undefined ? {} : { wider: { actor: marked, until } }) };
  }
}

function standingOf({ roles, mandates = [], standing }: Caller): Pick<Caller, 'roles' | 'mandates'> {
  if (standing === undefined) return { roles, mandates };
  return {
    roles: standing.filter(({ labels }) => labels === undefined).map(({ role }) => role),
    mandates: standing,
  };
}

function stopScopesOf(
  { roles, mandates = [] }: Pick<Caller, 'roles' | 'mandates'>,
  deps: ControlDeps,
): 'all' | 'none' | readonly string[] {
  if (roles.some((role) => mayStop.includes(role))) return 'all';
  const mine = mandates.filter(({ role }) => mayStop.includes(role));
  if (mine.length === 0) return 'none';
  const agents = deps.config.current().agents.filter(({ labels }) => mine.some((mandate) => reaches(mandate, labels)));
  const alone = mine.flatMap(({ labels }) => {
    const [[name, value] = [], ...more] = Object.entries(labels ?? {});
    return name === undefined || value === undefined || more.length > 0 ? [] : [labelKey(name, value)];
  });
  return [...agents.map(({ agentId }) => agentKey(agentId)), ...alone];
}

/** Renewed with every page that somebody who is signed in looks at. */
export function renewStopProof(deps: ControlDeps): MiddlewareHandler {
  return async (context, next) => {
    await next();
    const caller = seenCaller(context);
    if (context.req.method !== 'GET' || caller?.signInId === undefined || caller.isFromMemory === true) return;
    if (!(context.res.headers.get('content-type') ?? '').startsWith('text/html')) return;
    const name = stopProofCookie(deps.environment);
    const held = deps.proofs.verify(readProofCookie(context, deps, name) ?? '');
    const isYoung = held?.signInId === caller.signInId && Date.now() - held.issuedAt < renewEveryMs;
    const proof = stopProofFor(caller, deps);
    if (proof === undefined) return dropStopProof(context, deps);
    // One that was ended before its time goes with the next page, too: the store may be away before the proof is old.
    const isWider = caller.elevation !== undefined || held?.wider !== undefined || held?.actor !== caller.actor;
    if (!isYoung || isWider) writeSecretCookie(context, deps, name, proof, lifeMs);
  };
}

/** Of somebody who was signed in here before, or who lost the right: whoever sits here next shows it no more. */
export function dropStopProof(context: Context, deps: ControlDeps): void {
  const name = stopProofCookie(deps.environment);
  if (readProofCookie(context, deps, name) !== undefined) clearSecretCookie(context, deps, name);
}

const seen = new WeakMap<Context, Caller>();
export const noteCaller = (context: Context, caller: Caller): void => void seen.set(context, caller);
const seenCaller = (context: Context): Caller | undefined => seen.get(context);

/** While the store is away: the caller that a proof names, who may stop, and whose every other request needs the store anyway. */
export function callerByProof(context: Context, deps: ControlDeps): Caller | undefined {
  const proof = deps.proofs.verify(readProofCookie(context, deps, stopProofCookie(deps.environment)) ?? '');
  if (proof === undefined) return undefined;
  const { actor, person, signInId } = proof;
  // How far the right reaches stands in the proof, and the stop process reads it there.
  return { actor, person, signInId, isFromMemory: true, roles: ['operator'], mandates: [] };
}
