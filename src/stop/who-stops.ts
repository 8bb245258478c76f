import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator, Identity, OperatorProof, OperatorProofs } from '../contract/identity.ts';
import { signInCookieName, stopProofCookie } from '../contract/sign-in-cookies.ts';
import { type ErrorCode, EstopError, errorCodeOf } from '../core/errors.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import type { KnownOperators, KnownRight } from './known-operators.ts';

/** Who orders a stop, and what of it they may stop. */
export interface Stopper extends Identity {
  /** The scope keys; absent: all. */
  readonly scopes?: readonly string[];
}

interface Sources {
  readonly environment: string;
  readonly authenticator: Authenticator;
  readonly known?: KnownOperators;
  readonly proofs?: OperatorProofs;
}

/** A list that is younger than this names every sign-in that has the right; one made since is not on it yet. */
const freshMs = 5_000;

/**
 * From memory alone: the list of tokens of this machine, what the store said last, and a proof that control has signed. Neither the
 * store nor an identity provider is asked, and nobody waits.
 */
export function whoStops(headers: IncomingHttpHeaders, sources: Sources): Stopper {
  const byFile = sources.authenticator.authenticate(headers.authorization);
  if (byFile.ok) return byFile.identity;
  if (byFile.code !== 'unauthenticated') throw new EstopError(byFile.code);
  const stopper =
    headers.authorization === undefined ? byCookie(headers, sources) : byBearer(headers.authorization, sources);
  if (stopper === undefined) throw new EstopError('unauthenticated', { detail: nobodyWhoStops });
  return stopper;
}

/** What the store keeps the hash of, if it was given out at all: for the record of who was refused. In hexadecimal. */
export function hashShown(headers: IncomingHttpHeaders, environment: string): string | undefined {
  const { authorization } = headers;
  const secret =
    authorization === undefined
      ? cookieIn(headers, signInCookieName(environment))
      : tokenPattern.exec(bearerIn(authorization))?.[0];
  return secret === undefined ? undefined : hashOf(secret).toString('hex');
}

const tokenPattern = /^estop_[a-z][a-z0-9]{0,15}_[A-Za-z0-9_-]{43}$/;
const bearerIn = (authorization: string): string => (authorization.startsWith('Bearer ') ? authorization.slice(7) : '');
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** From memory nobody is told apart from somebody who is signed in and may only look. */
const nobodyWhoStops =
  'Nothing was shown that belongs to anybody who may stop something: a stop needs the role operator or admin.';

/**
 * Once more with what the store says now, for whoever memory does not name: of a right that was given a moment ago nobody has heard, and
 * whoever is known and may only look is told that. Asked of nobody else, and for a moment alone: a stop waits for none of it.
 */
export async function whoStopsAfterAll(
  thrown: unknown,
  headers: IncomingHttpHeaders,
  sources: Sources & { readonly known: KnownOperators },
): Promise<Stopper> {
  const shown = hashShown(headers, sources.environment);
  if (shown === undefined || errorCodeOf(thrown) !== 'unauthenticated') throw thrown;
  const shower = await sources.known.ofUnknown(shown);
  const isTheirs =
    shower !== undefined &&
    (shower.basis === undefined || sources.authenticator.standingOf?.(shower.basis) !== undefined);
  if (!isTheirs) throw thrown;
  try {
    return whoStops(headers, sources);
  } catch {
    throw new EstopError('forbidden', { detail: onlyLooks });
  }
}

const onlyLooks = 'You may look, and not stop: that needs the role operator or admin.';

function byBearer(authorization: string, sources: Sources): Stopper | undefined {
  const token = bearerIn(authorization);
  if (tokenPattern.test(token)) return byHash(token, sources);
  const proof = sources.proofs?.verify(token);
  return proof === undefined ? undefined : byProof(proof, sources);
}

/**
 * The cookies of a browser, handed on by control with its order. A browser that speaks to this port itself names its origin: that is
 * a page which we did not make, and its cookies are not looked at.
 */
function cookieIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) return undefined;
  const cookies = new Map(
    (headers.cookie ?? '').split(';').map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
    }),
  );
  return cookies.get(`__Host-${name}`) ?? cookies.get(name);
}

function byCookie(headers: IncomingHttpHeaders, sources: Sources): Stopper | undefined {
  const secret = cookieIn(headers, signInCookieName(sources.environment));
  const found = secret === undefined ? undefined : byHash(secret, sources);
  if (found !== undefined) return found;
  const proof = sources.proofs?.verify(cookieIn(headers, stopProofCookie(sources.environment)) ?? '');
  return proof === undefined ? undefined : byProof(proof, sources);
}

function byHash(secret: string, { known, authenticator }: Sources): Stopper | undefined {
  const right = known?.byHash(hashOf(secret));
  return right === undefined ? undefined : stopperBy(right, authenticator);
}

function byProof(proof: OperatorProof, { known, authenticator }: Sources): Stopper | undefined {
  const right = known?.bySignIn(proof.signInId);
  if (right !== undefined) return stopperBy(right, authenticator);
  if (known?.hasLost(proof.signInId) === true) return undefined;
  // The store has been heard just now and does not name it: only one that was made since can be missing.
  const age = known?.age();
  if (age !== undefined && age < freshMs && proof.issuedAt < Date.now() - freshMs) return undefined;
  const { actor, person, scopes, wider } = proof;
  if (wider !== undefined) return { actor: wider.actor, person, roles: ['operator'] };
  return { actor, person, roles: ['operator'], ...(scopes === undefined ? {} : { scopes }) };
}

function stopperBy(right: KnownRight, authenticator: Authenticator): Stopper | undefined {
  if (right.basis !== undefined) {
    const standing = authenticator.standingOf?.(right.basis);
    if (standing === undefined || !standing.roles.some((role) => role === 'operator' || role === 'admin'))
      return undefined;
  }
  return {
    actor: right.actor,
    person: right.person,
    roles: ['operator'],
    ...(right.scopes === undefined ? {} : { scopes: right.scopes }),
  };
}

/**
 * Whoever may stop a part stops that part. A single task is left to everybody who may stop anything: whose it is would have to be
 * looked up, and a stop waits for nothing.
 */
export function refuseOutOfScope({ scopes }: Stopper, scopeKey: string): void {
  if (scopes === undefined || scopes.includes(scopeKey) || parseScopeKey(scopeKey)?.kind === 'task') return;
  throw new EstopError('forbidden' satisfies ErrorCode, {
    detail: 'Your role does not reach that much. Stop the agents that are yours, or call an operator of everything.',
  });
}
