import { html } from 'hono/html';
import { type Permission, permissions } from '../permission.ts';
import { foreign, type Markup } from './markup.ts';
import type { ConsolePage } from './view.ts';
import type { Visit } from './visit.ts';

const roles = ['viewer', 'approver', 'operator', 'admin'] as const;

const words: Partial<Readonly<Record<Permission, string>>> = {
  'task:read': 'See what runs',
  'stop:read': 'See stops and what is proved',
  'stop:note': 'Add notes to stops',
  'stop:reset': 'Reset a stop',
  'task:hold': 'Hold and release tasks',
  'task:start': 'Start tasks',
  'approval:read': 'See calls that wait',
  'approval:decide': 'Approve and deny calls',
  'tool:accept': 'Accept definitions of tools',
  'policy:activate': 'Change the policy',
  'breaker:reset': 'Reset breakers',
  'risk:accept': 'Answer for what cannot be made dead',
  'audit:read': 'Read the audit',
};

/** Who I am here, and what that lets me do: the table by which every request is judged. */
export const peoplePage: ConsolePage = {
  path: '/people',
  show: async (visit) => ({
    title: 'People',
    place: 'people',
    body: html`<h1>People</h1>
<section class="card"><h2>You</h2><dl class="facts"><dt>Name</dt><dd>${foreign(visit.caller.actor, 200)}</dd><dt>Roles</dt><dd>${visit.caller.roles.join(', ')}</dd><dt>Signed in</dt><dd>${visit.caller.signInId === undefined ? 'by a token with each request' : html`<span class="mono">${visit.caller.signInId}</span>`}</dd></dl></section>
<section class="stack"><h2>Who may do what</h2>${table(visit)}</section>
<section class="note"><h2>Tokens and sign-in</h2><p>Tokens of services and people are kept, hashed, in the state folder of the installation; identities that name the same person count as one wherever two people are needed.</p><code class="command">estop console</code></section>`,
  }),
};

function table(visit: Visit): Markup {
  const rows = (Object.keys(permissions) as Permission[]).filter((permission) => words[permission] !== undefined); // its own keys
  const cell = (isAllowed: boolean): Markup => (isAllowed ? html`yes` : html`<span class="dim">–</span>`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Who may do what"><table><thead><tr><th scope="col">What</th>${roles.map((role) => html`<th scope="col">${role}${visit.caller.roles.includes(role) ? ' (you)' : ''}</th>`)}</tr></thead>
<tbody><tr><th scope="row">Stop</th>${roles.map((role) => html`<td>${cell(role === 'operator' || role === 'admin')}</td>`)}</tr>${rows.map(
    (permission) => {
      const allowed: readonly string[] = permissions[permission];
      return html`<tr><th scope="row">${words[permission]}</th>${roles.map((role) => html`<td>${cell(allowed.includes(role))}</td>`)}</tr>`;
    },
  )}</tbody></table></div>`;
}
