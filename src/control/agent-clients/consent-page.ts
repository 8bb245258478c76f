import { createHash, createHmac, randomBytes } from 'node:crypto';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { html } from 'hono/html';
import { personOf } from '../../contract/identity.ts';
import { EstopError } from '../../core/errors.ts';
import { formatId } from '../../core/ids.ts';
import { byWay } from '../../store/by-way.ts';
import { makeClientCode } from '../../store/client-tickets.ts';
import type { ControlDeps } from '../deps.ts';
import { whoIsNotKnown } from '../perform.ts';
import { recordDenial } from '../record-denial.ts';
import { type Caller, callerOf } from '../sign-in/caller.ts';
import { plainPage } from '../sign-in/plain-page.ts';
import { agentsOf } from './agents-of.ts';
import { isSame } from './client-name.ts';
import { answerTo, type ReadWish, readWish, type Wish } from './read-wish.ts';
import { isLoopbackRedirect } from './redirects.ts';
import { hashOf, issuerOf, seedOf } from './session-tickets.ts';

export const consentPath = '/oauth/authorize';
const codeLifeMs = 60_000;
const longestForm = 16_384;

/**
 * Where a person lets a client of MCP be one of their agents. Whoever asks is a program that nobody has vouched for: what the page says
 * of it is what it says of itself, where that is published, and where the answer goes, which is always this person's own machine.
 */
export function consentPages(app: OpenAPIHono, deps: ControlDeps): void {
  app.get(consentPath, async (context) => {
    const caller = await personHere(context, deps);
    const own = new URL(context.req.url);
    const read = await readWish(deps, own.searchParams, nameOf(caller));
    if (read.kind === 'refused' || read.kind === 'nobody') return refuse(context, deps, read);
    if (caller === undefined || read.kind === 'sign-in-first')
      return context.redirect(`/sign-in?next=${encodeURIComponent(`${own.pathname}${own.search}`)}`, 303);
    return context.html(plainPage('Connect a client', consentForm(deps, caller, read.wish)));
  });
  app.post(consentPath, async (context) => {
    const caller = await personHere(context, deps); // refuses what no page of ours sent
    if (caller === undefined) throw new EstopError('unauthenticated');
    if (!(Number(context.req.header('content-length') ?? Number.NaN) <= longestForm))
      throw new EstopError('body-too-large');
    const form = new URLSearchParams(await context.req.text());
    const read = await readWish(deps, form, nameOf(caller));
    if (read.kind === 'sign-in-first') throw new EstopError('unauthenticated');
    if (read.kind !== 'wish') return refuse(context, deps, read);
    const { wish } = read;
    // What was shown to this person, and to no other, is what is answered.
    if (!isSame(proofOf(deps, caller, wish), form.get('proof') ?? '')) throw new EstopError('origin-refused');
    if (form.get('answer') !== 'connect')
      return send(context, wish, answerTo(wish, issuerOf(deps), { error: 'access_denied' }), 'Not connected');
    const agent = agentsOf(deps, caller).find(({ agentId }) => agentId === form.get('agent'));
    const { personId } = caller;
    if (agent === undefined || personId === undefined) {
      const store = byWay(deps.store, 'console', caller.elevation !== undefined);
      await recordDenial({ ...deps, store }, caller, 'connectClient', consentPath, 'forbidden');
      throw new EstopError('forbidden', {
        detail: agent === undefined ? 'This agent is not yours to connect.' : 'This page is for people.',
      });
    }
    const code = randomBytes(32).toString('base64url');
    await makeClientCode(deps.store, {
      hash: hashOf(code),
      clientHash: hashOf(wish.client.clientId),
      redirect: wish.redirect,
      challenge: wish.challenge,
      resource: wish.resource,
      agentId: agent.agentId,
      actor: caller.actor,
      person: personOf(caller),
      personId,
      ...(caller.basis === undefined ? {} : { basis: caller.basis }),
      taskId: formatId('task', deps.environment, seedOf(code)),
      client: wish.client.publishedBy === undefined ? wish.client.name : wish.client.clientId,
      lifeMs: codeLifeMs,
    });
    return send(context, wish, answerTo(wish, issuerOf(deps), { code }), 'Connected');
  });
}

/** By the cookie of a browser alone: a program with a token has no need of a page. */
async function personHere(context: Context, deps: ControlDeps): Promise<Caller | undefined> {
  if (context.req.header('authorization') !== undefined)
    throw new EstopError('forbidden', { detail: 'This page is for people.' });
  const caller = await callerOf(context, deps);
  if (caller?.isFromMemory === true || caller?.isUnknown === true)
    throw new EstopError('store-unavailable', { detail: whoIsNotKnown });
  return caller;
}

/** One person has one, from however many browsers. */
const nameOf = (caller: Caller | undefined): string | undefined => caller?.personId ?? caller?.actor;

function consentForm(deps: ControlDeps, caller: Caller, wish: Wish) {
  const agents = agentsOf(deps, caller);
  if (agents.length === 0)
    return html`<p>You are <strong>${caller.actor}</strong>. No agent is yours to connect: you own none, and no role of yours lets you start any.</p>`;
  const fields = {
    client_id: wish.client.clientId,
    redirect_uri: wish.redirect,
    response_type: 'code',
    code_challenge: wish.challenge,
    code_challenge_method: 'S256',
    resource: wish.resource,
    ...(wish.state === undefined ? {} : { state: wish.state }),
    proof: proofOf(deps, caller, wish),
  };
  const { name, publishedBy, clientId } = wish.client;
  const whence =
    publishedBy === undefined
      ? 'Nobody has checked its name.'
      : html`That is what <strong>${publishedBy}</strong> publishes at <code>${clientId}</code>; nobody here has checked it, and any program can refer to it.`;
  return html`<p>A program that calls itself <strong>${name === '' ? 'nothing' : name}</strong> wants to work as one of
      your agents at ${wish.resource}. ${whence} Go on only if you have just asked it to connect.</p>
    <p>${whitherOf(wish)} You are <strong>${caller.actor}</strong>.</p>
    <form method="post" action="${consentPath}">
      ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      <p><label>Agent <select name="agent">${agents.map(({ agentId }) => html`<option>${agentId}</option>`)}</select></label></p>
      <p><button name="answer" value="connect">Connect</button> <button name="answer" value="no">Do not connect</button></p>
    </form>`;
}

function whitherOf({ redirect }: Wish) {
  if (isLoopbackRedirect(redirect))
    return html`The answer goes to <code>${new URL(redirect).host}</code>, on the machine of this browser.`;
  return html`The answer goes to <code>${redirect}</code>: to whatever program on the machine of this browser opens addresses that begin with
    <code>${new URL(redirect).protocol}</code>. Nobody can say which one that is.`;
}

function proofOf(deps: ControlDeps, caller: Caller, { client, redirect, state, challenge, resource }: Wish): string {
  const shown = JSON.stringify([
    caller.signInId ?? caller.actor,
    client.clientId,
    // Of a document that can change while the page is open.
    client.name,
    client.redirects,
    redirect,
    state ?? null,
    challenge,
    resource,
  ]);
  return createHmac('sha256', deps.clientKeys?.()[0] ?? randomBytes(32))
    .update(`consent ${createHash('sha256').update(shown).digest('base64url')}`)
    .digest('base64url');
}

function refuse(
  context: Context,
  deps: ControlDeps,
  read: Extract<ReadWish, { readonly kind: 'refused' | 'nobody' }>,
): Response | Promise<Response> {
  if (read.kind === 'refused' && isLoopbackRedirect(read.redirect))
    return context.redirect(answerTo(read, issuerOf(deps), { error: read.error, error_description: read.why }), 303);
  // No program is opened by a link that somebody else made, before anybody has answered anything.
  return context.html(plainPage('This cannot be connected', html`<p>${read.why}</p>`), 400);
}

/** No redirect: the page's own policy lets a form lead nowhere but here. A program that was refused is opened by nobody but its person. */
function send(
  context: Context,
  { redirect }: Wish,
  target: string,
  title: 'Connected' | 'Not connected',
): Response | Promise<Response> {
  if (title === 'Connected' || isLoopbackRedirect(redirect)) context.header('refresh', `0; url=${target}`);
  return context.html(
    plainPage(title, html`<p><a href="${target}">Back to the client</a>. You can close this page.</p>`),
  );
}
