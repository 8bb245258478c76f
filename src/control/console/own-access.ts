import { html } from 'hono/html';
import type { ApiToken, ApiTokenPage, MadeApiToken, SignIn, SignInPage, WhoAmI } from '../../contract/http/people.ts';
import { includesRole, personRoles } from '../../core/mandate.ts';
import { endSignIn } from '../routes/end-sign-in.ts';
import { makeApiToken } from '../routes/make-api-token.ts';
import { revokeApiToken } from '../routes/revoke-api-token.ts';
import { foreign, type Markup } from './markup.ts';
import { offer } from './offer.ts';
import { type ConsoleForm, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative } from './when.ts';

export const rolesOf = (mandates: WhoAmI['mandates']): readonly Markup[] =>
  mandates.map(
    ({ role, labels }) =>
      html`<span class="chip">${role}${
        labels === null
          ? ''
          : ` over ${Object.entries(labels)
              .map((pair) => pair.join('='))
              .join(', ')}`
      }</span> `,
  );

export function you(me: WhoAmI): Markup {
  return html`<section class="card"><h2>You</h2><dl class="facts"><dt>Name</dt><dd>${foreign(me.actor, 200)}</dd><dt>Person</dt><dd>${foreign(me.person, 200)}</dd>
<dt>Roles</dt><dd>${me.mandates.length === 0 ? me.roles.join(', ') || 'none' : rolesOf(me.mandates)}</dd>
${me.elevation === null ? '' : html`<dt>Elevated</dt><dd><span class="chip bad">${me.elevation.role} until ${me.elevation.until.slice(11, 16)} UTC</span> everything you do is marked</dd>`}</dl></section>`;
}

export function signIns(visit: Visit, { items }: SignInPage): Markup {
  const { now } = visit;
  if (items.length === 0) return html`<p class="card empty">You came with a token: there is no sign-in to end.</p>`;
  return html`<ul class="cards">${items.map(
    (
      one: SignIn,
    ) => html`<li class="card row between"><div><strong>${one.isThis ? 'This browser' : { link: 'A browser', oidc: 'A browser', device: 'A terminal' }[one.method]}</strong> <small>${foreign(one.agent, 120)}</small><br><small>last used ${relative(one.seenAt, now)}, ends ${clock(one.endsAt, now)}</small></div>
${one.isThis ? html`<span class="chip good">in use</span>` : offer(visit, endSignInForm, { to: '/people/end-sign-in', isOneOfMany: true }, html`<input type="hidden" name="id" value="${one.signInId}"><button>End</button>`)}</li>`,
  )}</ul>`;
}

export function apiTokens(visit: Visit, { items }: ApiTokenPage): Markup {
  const { now } = visit;
  const open = items.filter(({ revokedAt, expiresAt }) => revokedAt === null && Date.parse(expiresAt) > now);
  if (open.length === 0)
    return html`<p class="card empty">You have no API token. Make one for a program of yours; it never may more than you.</p>`;
  return html`<ul class="cards">${open.map(
    (
      one: ApiToken,
    ) => html`<li class="card row between"><div><strong>${foreign(one.name, 100)}</strong> ${rolesOf(one.mandates)}<br><small>ends ${clock(one.expiresAt, now)}, ${one.usedAt === null ? 'never used' : html`last used ${relative(one.usedAt, now)}`}</small></div>
${offer(visit, revokeTokenForm, { to: '/people/revoke-token', isOneOfMany: true }, html`<input type="hidden" name="id" value="${one.tokenId}"><button>Revoke</button>`)}</li>`,
  )}</ul>`;
}

export const newToken = (visit: Visit): Markup => {
  const held = new Set([...visit.caller.roles, ...(visit.caller.mandates ?? []).map(({ role }) => role)]);
  // The one that may least comes first, so that nobody hands out more by leaving it as it is.
  const roles = [...personRoles, 'service' as const].filter((role) => [...held].some((one) => includesRole(one, role)));
  return offer(
    visit,
    makeTokenForm,
    {
      to: '/people/make-token',
      look: 'stack',
      around: (form) =>
        html`<details class="card" id="new-token"><summary>Make an API token</summary>${form}</details>`,
    },
    html`<label class="field">What will use it<input type="text" name="name" required maxlength="100" autocomplete="off"></label>
<label class="field">Role<select name="role">${roles.map((role) => html`<option>${role}</option>`)}</select></label>
<label class="field">Ends after, in days<input type="text" name="days" value="90" inputmode="numeric" required pattern="[0-9]{1,3}"></label><p><button>Make it</button></p>`,
  );
};

const back = '/people';

const endSignInForm: ConsoleForm = {
  path: '/people/end-sign-in',
  asks: [endSignIn],
  take: async (visit, fields) => {
    await visit.ask(endSignIn, { path: { id: field(fields, 'id') } });
    return back;
  },
};

const revokeTokenForm: ConsoleForm = {
  path: '/people/revoke-token',
  asks: [revokeApiToken],
  take: async (visit, fields) => {
    await visit.ask(revokeApiToken, { path: { id: field(fields, 'id') } });
    return back;
  },
};

const makeTokenForm: ConsoleForm = {
  path: '/people/make-token',
  asks: [makeApiToken],
  take: async (visit, fields) => {
    const made = await visit.ask<MadeApiToken>(makeApiToken, {
      body: { name: field(fields, 'name'), roles: [field(fields, 'role')], days: Number(field(fields, 'days')) },
    });
    return {
      title: 'An API token',
      place: 'people',
      body: html`<h1>Copy it now</h1><p>It is shown this once and kept nowhere. It ends ${clock(made.expiresAt, visit.now)}.</p><code class="command">${made.token}</code><p><a href="/people">I have it</a></p>`,
    };
  },
};

export const ownAccessForms: readonly ConsoleForm[] = [endSignInForm, revokeTokenForm, makeTokenForm];
