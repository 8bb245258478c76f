import type { Context } from 'hono';
import { signInCookieName } from '../../contract/sign-in-cookies.ts';
import { type ErrorCode, EstopError, errorCodeOf } from '../../core/errors.ts';
import type { ControlDeps } from '../deps.ts';
import type { Caller, Credential } from './callers.ts';
import { readSecretCookie, secretHash } from './sign-in-cookie.ts';
import { callerByProof, noteCaller } from './stop-proof.ts';

export type { Caller } from './callers.ts';

type Found = { readonly ok: true; readonly caller: Caller } | { readonly ok: false; readonly code: ErrorCode };

/** A store that has not said by then who somebody is does not hold up a stop. */
const stopPatienceMs = 300;

/**
 * Who asks: by token where one is shown, else by the cookie of a sign-in. A cookie comes along with whatever a browser sends, so it
 * counts for a change only where the browser says that the request was made by a page of ours.
 */
export async function findCaller(context: Context, deps: ControlDeps): Promise<Found> {
  const byFile = tokenOfFile(context, deps);
  // A token of the file is found in memory, so that the store is not asked about it.
  if (byFile !== undefined && (byFile.ok || byFile.code !== 'unauthenticated')) return byFile;
  const credential = credentialOf(context, deps);
  if (credential === undefined) return { ok: false, code: 'unauthenticated' };
  if (credential.kind === 'cookie') refuseForeignChange(context, deps.controlUrl);
  const caller =
    credential.kind === 'cookie' ? await bySignIn(context, deps, credential) : await deps.callers.find(credential);
  if (caller !== undefined) noteCaller(context, caller);
  return caller === undefined ? { ok: false, code: 'unauthenticated' } : { ok: true, caller };
}

const unknown: Caller = { actor: 'not known just now', roles: [], isFromMemory: true, isUnknown: true };

/**
 * With the store away whoever was signed in stays so, from memory or by the proof that their browser holds: so that they reach the
 * button that stops things. All that the store has to take part in fails all the same. On the way to a stop nobody waits for a store
 * that is merely slow.
 */
async function bySignIn(context: Context, deps: ControlDeps, credential: Credential): Promise<Caller | undefined> {
  const fromMemory = (): Caller | undefined => {
    const known = deps.callers.lastKnown(credential);
    return known === undefined ? callerByProof(context, deps) : { ...known, isFromMemory: true };
  };
  const found = deps.callers.find(credential).catch((thrown: unknown) => {
    if (errorCodeOf(thrown) !== 'store-unavailable') throw thrown;
    // Who it is only the stop process may still know. It is asked, and nothing else is done or shown for them.
    return fromMemory() ?? unknown;
  });
  // Whom nobody here remembers the stop process may still know: for an order it is asked rather than waited for the store.
  const stranger = context.req.method === 'POST' ? unknown : undefined;
  const known = context.req.path === '/stop' ? (fromMemory() ?? stranger) : undefined;
  if (known === undefined) return found;
  let timer: NodeJS.Timeout | undefined;
  const slow = new Promise<Caller>((resolve) => {
    timer = setTimeout(resolve, stopPatienceMs, known);
  });
  return Promise.race([found, slow]).finally(() => clearTimeout(timer));
}

/** Undefined: nobody is signed in here. Throws where the request is not one of ours, or nobody can be looked up. */
export async function callerOf(context: Context, deps: ControlDeps): Promise<Caller | undefined> {
  const found = await findCaller(context, deps);
  return found.ok ? found.caller : undefined;
}

/** The same caller, looked up again now; for answers that go on. */
export function callerNow(context: Context, deps: ControlDeps): Caller | undefined {
  const byFile = tokenOfFile(context, deps);
  if (byFile?.ok === true) return byFile.caller;
  const credential = credentialOf(context, deps);
  return credential === undefined ? undefined : deps.callers.remembered(credential);
}

export function credentialOf(context: Context, deps: ControlDeps): Credential | undefined {
  const authorization = context.req.header('authorization');
  if (authorization !== undefined) {
    const secret = /^Bearer ([^ ]{1,16384})$/.exec(authorization)?.[1];
    return secret === undefined ? undefined : { kind: 'bearer', secret };
  }
  const secret = readSecretCookie(context, deps, signInCookieName(deps.environment));
  return secret === undefined ? undefined : { kind: 'cookie', secret };
}

/** For the record of who was refused: the hash, in hexadecimal, of what they showed. */
export function shownIn(context: Context, deps: ControlDeps): { readonly shown?: string } {
  const credential = credentialOf(context, deps);
  return credential === undefined ? {} : { shown: Buffer.from(secretHash(credential.secret)).toString('hex') };
}

function tokenOfFile(context: Context, deps: ControlDeps): Found | undefined {
  const authorization = context.req.header('authorization');
  if (authorization === undefined) return undefined;
  const outcome = deps.authenticator.authenticate(authorization);
  const basis = secretHash(authorization.slice('Bearer '.length));
  return outcome.ok ? { ok: true, caller: { ...outcome.identity, basis } } : outcome;
}

/** A browser names the origin of every POST. One that does not is none that we trust a cookie of. */
export function refuseForeignChange(context: Context, controlUrl: string): void {
  if (context.req.method === 'GET' || context.req.method === 'HEAD') return;
  const origin = context.req.header('origin');
  const site = context.req.header('sec-fetch-site');
  const isOurs = origin === new URL(controlUrl).origin && (site === undefined || site === 'same-origin');
  if (!isOurs) throw new EstopError('origin-refused', { detail: 'A change is taken only from a page of this API.' });
}
