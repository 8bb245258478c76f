import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { html } from 'hono/html';
import { signInCookieName } from '../../contract/sign-in-cookies.ts';
import { byWay } from '../../store/by-way.ts';
import { loginLinkOf, redeemLoginLink } from '../../store/login-links.ts';
import { endSignIn } from '../../store/sign-ins.ts';
import type { ControlDeps } from '../deps.ts';
import { callerOf, refuseForeignChange } from './caller.ts';
import { failedSignIns } from './failed-sign-in.ts';
import { newSignIn } from './new-sign-in.ts';
import { ownPath } from './own-path.ts';
import { plainPage } from './plain-page.ts';
import { clearSecretCookie, mintSecret, readSecretCookie, secretHash, writeSecretCookie } from './sign-in-cookie.ts';
import { dropStopProof } from './stop-proof.ts';

/** The way in and the way out. Reachable by everybody; what they tell, they tell to whoever holds a link. */
export function signInPages(app: OpenAPIHono, deps: ControlDeps): void {
  const noteFailed = failedSignIns(deps);
  const overFor = (context: Context, { because, name }: Extract<Link, { isGood: false }>) => {
    noteFailed(context, { door: 'link', because, ...(name === undefined ? {} : { claims: name }) });
    return context.html(linkIsOver(), 410);
  };
  app.get('/sign-in', async (context) => {
    const next = ownPath(context.req.query('next'));
    if ((await callerOf(context, deps)) !== undefined) return context.redirect(next, 303);
    return context.html(plainPage('Sign in', howToSignIn(deps, next)));
  });
  app.get('/sign-in/link/:code', async (context) => {
    const link = await findLink(context, deps);
    if (!link.isGood) return overFor(context, link);
    return context.html(
      plainPage(
        'Sign in',
        html`<p>You are about to sign in as <strong>${link.name}</strong>.</p>
          <form method="post"><button>Sign in as ${link.name}</button></form>`,
      ),
    );
  });
  app.post('/sign-in/link/:code', async (context) => {
    refuseForeignChange(context, deps.controlUrl);
    const link = await findLink(context, deps);
    if (!link.isGood) return overFor(context, link);
    // Always a new secret: one that was in this browser before may have been put there.
    const secret = mintSecret();
    const made = newSignIn(context, deps, secret);
    const outcome = await redeemLoginLink(deps.store, secretHash(context.req.param('code')), made);
    if (outcome === 'over') return overFor(context, { isGood: false, because: 'link-over', name: link.name });
    if (outcome !== 'begun') return context.html(linkIsOver(), 410); // it stands in the audit by that name
    await endTheOneBefore(context, deps);
    writeSecretCookie(context, deps, signInCookieName(deps.environment), secret, made.lifeMs);
    return context.redirect(ownPath(context.req.query('next')), 303);
  });
  app.post('/sign-out', async (context) => {
    refuseForeignChange(context, deps.controlUrl);
    await endTheOneBefore(context, deps);
    clearSecretCookie(context, deps, signInCookieName(deps.environment));
    return context.redirect('/sign-in', 303);
  });
}

/** A link stands as long as the token that made it, and only where it was made for: this machine. */
async function findLink(context: Context, deps: ControlDeps): Promise<Link> {
  const code = context.req.param('code') ?? '';
  if (!deps.loginLinks || !/^[A-Za-z0-9_-]{43}$/.test(code)) return { isGood: false, because: 'unknown-link' };
  const link = await loginLinkOf(deps.store, secretHash(code));
  if (link === undefined) return { isGood: false, because: 'unknown-link' };
  const { name, isOpen, basis } = link;
  if (!isOpen) return { isGood: false, because: 'link-over', name };
  if (deps.authenticator.standingOf?.(basis) === undefined) return { isGood: false, because: 'token-gone', name };
  return { isGood: true, name };
}

type Link =
  | { readonly isGood: true; readonly name: string }
  | { readonly isGood: false; readonly because: 'unknown-link' | 'link-over' | 'token-gone'; readonly name?: string };

export async function endTheOneBefore(context: Context, deps: ControlDeps): Promise<void> {
  dropStopProof(context, deps);
  const secret = readSecretCookie(context, deps, signInCookieName(deps.environment));
  const before = secret === undefined ? undefined : await deps.callers.find({ kind: 'cookie', secret });
  if (before?.signInId !== undefined) await endSignIn(byWay(deps.store, 'console'), before.signInId, before.actor);
}

const howToSignIn = (deps: ControlDeps, next: string) =>
  deps.identityProvider.isConfigured()
    ? html`<p><a class="button" href="/sign-in/provider?next=${encodeURIComponent(next)}">Sign in with the identity provider</a></p>`
    : deps.loginLinks
      ? html`<p>On the machine where estop runs:</p>
          <pre><code>estop console</code></pre>
          <p>It prints a link that signs one browser in, once.</p>`
      : html`<p>No way to sign in is configured here. See <code>signIn</code> in estop.yaml.</p>`;

const linkIsOver = () =>
  plainPage(
    'This link is over',
    html`<p>A sign-in link works once, and for a few minutes. For another one:</p>
      <pre><code>estop console</code></pre>`,
  );
