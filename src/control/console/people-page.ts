import { html } from 'hono/html';
import type { ApiTokenPage, Person, PersonPage, SignInPage, WhoAmI } from '../../contract/http/people.ts';
import type { Endpoint } from '../endpoint.ts';
import { type Permission, permissions } from '../permission.ts';
import { disablePerson } from '../routes/disable-person.ts';
import { enablePerson } from '../routes/enable-person.ts';
import { listApiTokens } from '../routes/list-api-tokens.ts';
import { listPeople } from '../routes/list-people.ts';
import { listSignIns } from '../routes/list-sign-ins.ts';
import { whoAmI } from '../routes/who-am-i.ts';
import { askSection, elevationForms, elevationList, openElevations } from './elevations.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { mayGiveReason, reasonIn } from './may-give-reason.ts';
import { offer, whyNotOffered } from './offer.ts';
import { apiTokens, newToken, ownAccessForms, rolesOf, signIns, you } from './own-access.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { relative } from './when.ts';

const shownAtOnce = 200;

/** Who I am here, where I am signed in, what was made in my name, and who may do what. */
export const peoplePage: ConsolePage = {
  path: '/people',
  show: async (visit) => {
    const [me, ins, tokens, elevations, people] = await Promise.all([
      visit.ask<WhoAmI>(whoAmI),
      visit.ask<SignInPage>(listSignIns),
      visit.ask<ApiTokenPage>(listApiTokens),
      visit.may('elevation:read') ? openElevations(visit) : [],
      visit.may('people:read') ? visit.ask<PersonPage>(listPeople) : undefined,
    ]);
    return {
      title: 'People',
      place: 'people',
      body: html`<h1>People</h1>
<div class="two"><div class="stack">${you(me)}<h2>Where you are signed in</h2>${signIns(visit, ins)}<h2>Your API tokens</h2>${apiTokens(visit, tokens)}${newToken(visit)}</div>
<div class="stack"><h2>Roles taken for a while</h2>${elevationList(visit, elevations)}${visit.may('audit:read') ? html`<p><a href="/audit?kind=elevation.reviewed">Those that were reviewed</a></p>` : nothing}${askSection(visit)}</div></div>
${people === undefined ? nothing : html`<section class="stack"><h2>Everybody who signed in</h2>${everybody(visit, people.items)}</section>`}
<section class="stack"><h2>Who may do what</h2>${rights(visit)}</section>`,
    };
  },
};

function everybody(visit: Visit, people: readonly Person[]): Markup {
  if (people.length === 0)
    return html`<p class="card empty">Nobody has signed in yet. Who may is said in estop.yaml, under <code>signIn</code>.</p>`;
  const search = (visit.query('search') ?? '').slice(0, 200);
  const found = people.filter(({ name, issuer, personId }) =>
    [name, issuer, personId].some((text) => text.toLowerCase().includes(search.toLowerCase())),
  );
  const shown = found.slice(0, shownAtOnce);
  const finder = html`<form method="get" action="/people" class="inline" role="search"><label class="field">Find<input type="search" name="search" value="${search}" maxlength="200" placeholder="name, provider or id" autocapitalize="none" spellcheck="false"></label><button>Show</button></form>`;
  const button = (one: Person): Markup => {
    const [form, words] = one.disabledAt === null ? [disableForm, 'Disable'] : [enableForm, 'Enable'];
    const fields = html`<input type="hidden" name="id" value="${one.personId}">${mayGiveReason()}<button>${words}</button>`;
    return offer(visit, form, { to: form.path, look: 'inline', isOneOfMany: true }, fields);
  };
  return html`${whyNotOffered(visit, disableForm, enableForm)}${people.length > 10 ? finder : nothing}${shown.length === 0 ? html`<p class="card empty">Nobody who signed in matches.</p>` : nothing}<ul class="cards">${shown.map((one) => html`<li class="card row between"><div><strong>${foreign(one.name, 120)}</strong> ${one.disabledAt === null ? rolesOf(one.mandates) : html`<span class="chip bad">disabled by ${foreign(one.disabledBy ?? '?', 80)}</span>`}<br><small>${foreign(one.issuer, 120)}${one.seenAt === null ? '' : html`, last seen ${relative(one.seenAt, visit.now)}`}</small></div>${button(one)}</li>`)}</ul>${found.length > shown.length ? html`<p class="lead">${found.length - shown.length} more match. Search to find one.</p>` : nothing}`;
}

const roles = ['viewer', 'approver', 'operator', 'admin'] as const;

const words: Partial<Readonly<Record<Permission, string>>> = {
  'task:read': 'See what runs',
  'stop:read': 'See stops and what is proved',
  'stop:note': 'Add notes to stops',
  'stop:reset': 'Reset a stop',
  'task:hold': 'Hold and release tasks',
  'task:start': 'Start tasks',
  'approval:decide': 'Approve and deny calls',
  'tool:accept': 'Accept definitions of tools',
  'policy:activate': 'Change the policy',
  'breaker:reset': 'Reset breakers',
  'risk:accept': 'Answer for what cannot be made dead',
  'people:manage': 'Disable people, end their sign-ins',
};

/** Made from the table by which every request is judged. */
function rights(visit: Visit): Markup {
  const rows = (Object.keys(permissions) as Permission[]).filter((permission) => words[permission] !== undefined); // its own keys
  const cell = (isAllowed: boolean): Markup => (isAllowed ? html`yes` : html`<span class="dim">–</span>`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Who may do what"><table class="fold"><thead><tr><th scope="col">What</th>${roles.map((role) => html`<th scope="col">${role}${visit.caller.roles.includes(role) ? ' (you)' : ''}</th>`)}</tr></thead>
<tbody><tr><th scope="row" data-of="What">Stop</th>${roles.map((role) => html`<td data-of="${role}">${cell(role === 'operator' || role === 'admin')}</td>`)}</tr>${rows.map(
    (permission) => {
      const allowed: readonly string[] = permissions[permission];
      return html`<tr><th scope="row" data-of="What">${words[permission]}</th>${roles.map((role) => html`<td data-of="${role}">${cell(allowed.includes(role))}</td>`)}</tr>`;
    },
  )}</tbody></table></div>`;
}

const standing = (verb: string, endpoint: Endpoint): ConsoleForm => ({
  path: `/people/${verb}`,
  asks: [endpoint],
  take: async (visit, fields) => {
    await visit.ask(endpoint, { path: { id: field(fields, 'id') }, body: reasonIn(fields) });
    return '/people';
  },
});

const disableForm = standing('disable', disablePerson);
const enableForm = standing('enable', enablePerson);

export const peopleForms: readonly ConsoleForm[] = [...ownAccessForms, ...elevationForms, disableForm, enableForm];
