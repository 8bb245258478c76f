import type { OpenAPIHono } from '@hono/zod-openapi';
import { html } from 'hono/html';
import { attemptCookie, signInCookieName } from '../../contract/sign-in-cookies.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { beginAttempt, beginSignIn, endSignInsOf, takeAttempt } from '../../store/sign-ins.ts';
import type { ControlDeps } from '../deps.ts';
import { createDoor } from './door.ts';
import { failedSignIns } from './failed-sign-in.ts';
import { logoutMemoryMs } from './logout-token.ts';
import { newSignIn } from './new-sign-in.ts';
import { ownPath } from './own-path.ts';
import { plainPage } from './plain-page.ts';
import { clearSecretCookie, mintSecret, readSecretCookie, secretHash, writeSecretCookie } from './sign-in-cookie.ts';
import { endTheOneBefore } from './sign-in-pages.ts';
import { createSourceOf } from './source-of.ts';
import { toLedger } from './to-ledger.ts';

const attemptMs = 10 * 60_000;
const callbackPath = '/sign-in/callback';
/** A company behind one address signs in on a Monday morning. */
const begins = {
  each: { atOnce: 30, perSecond: 1 },
  together: { atOnce: 100, perSecond: 20 },
  reserve: { atOnce: 100, perSecond: 20 },
};

/**
 * There and back. What the answer has to carry is kept here and works once, for the browser that began: an answer that was stolen,
 * shown twice, or put into somebody else's browser finds nothing.
 */
export function providerPages(app: OpenAPIHono, deps: ControlDeps): void {
  const redirectUri = new URL(callbackPath, deps.controlUrl).href;
  const door = createDoor(begins);
  const sourceOf = createSourceOf(deps.trustedProxies);
  const noteFailed = failedSignIns(deps);
  app.get('/sign-in/provider', async (context) => {
    const next = ownPath(context.req.query('next'));
    try {
      if (!door.pass(sourceOf(context))) throw new EstopError('limit-exceeded');
      const { url, state, nonce, verifier } = await deps.identityProvider.begin(redirectUri);
      const browser = mintSecret();
      await beginAttempt(deps.store, {
        stateHash: secretHash(state),
        browserHash: secretHash(browser),
        nonce,
        verifier,
        next,
        lifeMs: attemptMs,
      });
      writeSecretCookie(context, deps, attemptCookie(deps.environment), browser, attemptMs);
      return context.redirect(url, 302);
    } catch (thrown) {
      const [title, body, status] = failure(errorCodeOf(thrown));
      return context.html(plainPage(title, body), status);
    }
  });
  // Spoken by the provider itself, without a browser: its signature is what counts.
  app.post('/sign-in/back-channel-logout', async (context) => {
    const body = await readForm(context.req.raw);
    const token = body.get('logout_token') ?? '';
    const out = token.length > mostCharacters ? undefined : await deps.identityProvider.readLogout(token);
    if (out === undefined) {
      noteFailed(context, { door: 'oidc', because: 'unauthenticated', what: 'back-channel-logout' });
      return context.json({ error: 'invalid_request' }, 400);
    }
    const { issuer, tokenId, ...which } = out;
    // Caught on its way and sent again, it would end what somebody has begun since: the store remembers what was said.
    await endSignInsOf(deps.store, issuer, which, { hash: secretHash(tokenId), memoryMs: logoutMemoryMs });
    return context.body(null, 200);
  });
  app.get(callbackPath, async (context) => {
    const name = attemptCookie(deps.environment);
    const browser = readSecretCookie(context, deps, name);
    const state = context.req.query('state') ?? '';
    clearSecretCookie(context, deps, name);
    try {
      const attempt =
        browser === undefined ? undefined : await takeAttempt(deps.store, secretHash(state), secretHash(browser));
      if (attempt === undefined) {
        noteFailed(context, { door: 'oidc', because: browser === undefined ? 'other-browser' : 'unknown-state' });
        return context.html(plainPage('Begin again', notBegunHere()), 400);
      }
      // The address as it was registered: behind a proxy ours may look otherwise.
      const answer = new URL(redirectUri);
      answer.search = new URL(context.req.url).search;
      const named = await deps.identityProvider.finish(answer, attempt, state);
      // Always a new secret: one that was in this browser before may have been put there.
      const secret = mintSecret();
      const made = newSignIn(context, deps, secret);
      const outcome = await beginSignIn(deps.store, toLedger(named, deps.config.current()), {
        ...made,
        method: 'oidc',
        ...(named.issuerSid === undefined ? {} : { issuerSid: named.issuerSid }),
      });
      if (outcome === 'disabled') return context.html(plainPage('You are not let in', disabledHere()), 403);
      door.welcome(sourceOf(context));
      await endTheOneBefore(context, deps);
      writeSecretCookie(context, deps, signInCookieName(deps.environment), secret, made.lifeMs);
      return context.redirect(attempt.next, 303);
    } catch (thrown) {
      if (errorCodeOf(thrown) === 'unauthenticated') noteFailed(context, { door: 'oidc', because: 'not-confirmed' });
      const [title, body, status] = failure(errorCodeOf(thrown));
      return context.html(plainPage(title, body), status);
    }
  });
}

const mostBytes = 64 * 1024;
const mostCharacters = 16 * 1024;
async function readForm(request: Request): Promise<URLSearchParams> {
  if (Number(request.headers.get('content-length') ?? mostBytes + 1) > mostBytes)
    throw new EstopError('body-too-large');
  return new URLSearchParams((await request.text()).slice(0, mostBytes));
}

const again = html`<p><a href="/sign-in/provider">Sign in with the identity provider</a></p>`;
const notBegunHere = () => html`<p>This sign-in was not begun in this browser, or it took too long.</p>${again}`;
const disabledHere = () => html`<p>An admin of estop has disabled you here, whatever the identity provider says.</p>`;
const stopAnyway = html`<p>Whoever is signed in already stays so. A stop needs no sign-in, from any terminal that holds a token:</p>
  <pre><code>estop stop fleet --yes</code></pre>`;

function failure(code: ReturnType<typeof errorCodeOf>): [string, ReturnType<typeof html>, 401 | 404 | 429 | 503] {
  switch (code) {
    case 'limit-exceeded':
      return [
        'Too many at once',
        html`<p>Too many sign-ins began where you are. Try again in a minute.</p>${again}${stopAnyway}`,
        429,
      ];
    case 'not-found':
      return [
        'No identity provider',
        html`<p>None is configured here. See <code>signIn</code> in estop.yaml.</p>`,
        404,
      ];
    case 'unauthenticated':
      return ['Not signed in', html`<p>The identity provider did not confirm who you are.</p>${again}`, 401];
    default:
      return [
        'Not now',
        html`<p>The identity provider, or the store, does not answer just now.</p>${again}${stopAnyway}`,
        503,
      ];
  }
}
