import { html } from 'hono/html';
import { secretUses } from '../../contract/credential-use.ts';
import type { Secret, SecretPage } from '../../contract/http/secrets.ts';
import { EstopError } from '../../core/errors.ts';
import type { Endpoint } from '../endpoint.ts';
import { listSecrets } from '../routes/list-secrets.ts';
import { removeSecret } from '../routes/remove-secret.ts';
import { rotateSecret } from '../routes/rotate-secret.ts';
import { setSecret } from '../routes/set-secret.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer, whyNotOffered } from './offer.ts';
import { type ConsoleForm, type ConsolePage, type Fields, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative } from './when.ts';

/** Names, versions, who set them, who uses them. No page, no endpoint and no role of this process has a value to show. */
export const secretsPage: ConsolePage = {
  path: '/secrets',
  show: async (visit) => {
    const { items } = await visit.ask<SecretPage>(listSecrets);
    const missing = namedButNotSet(visit, items);
    return {
      title: 'Secrets',
      place: 'secrets',
      body: html`<div><h1>Secrets</h1><p class="lead">Credentials of upstreams, sealed in the store and opened by gateways alone. Their values are shown nowhere.</p></div>
${missing.map((name) => html`<p class="note bad"><strong>${foreign(name, 80)}</strong> is named in estop.yaml and not set: what needs it is denied.</p>`)}
${items.length === 0 ? none() : html`<ul class="cards">${items.map((one) => html`<li>${card(visit, one)}</li>`)}</ul>`}
${whyNotOffered(visit, setForm, rotateForm)}${setSection(visit, missing[0] ?? '')}`,
    };
  },
};

const namedButNotSet = (visit: Visit, items: readonly Secret[]): readonly string[] => {
  const named = secretUses(visit.deps.config.current()).map(({ secret }) => secret);
  return [...new Set(named)].filter((name) => !items.some((one) => one.name === name)).toSorted();
};

function card(visit: Visit, { name, revision, keyId, setBy, setAt, usedBy, usedAt }: Secret): Markup {
  return html`<article class="card"><div class="row between"><h2>${name}</h2><span class="chips"><span class="chip">revision ${revision}</span>${usedAt.length === 0 ? html`<span class="chip warn">used by nothing</span>` : nothing}</span></div>
<dl class="facts"><dt>${revision === 1 ? 'Set' : 'Rotated'}</dt><dd>${clock(setAt, visit.now)} <small>${relative(setAt, visit.now)}</small> by ${foreign(setBy, 120)}</dd>
<dt>Used at</dt><dd>${usedAt.length === 0 ? 'nowhere in estop.yaml' : usedAt.map((path) => html`<code>${foreign(path, 160)}</code> `)}</dd>
<dt>For calls of</dt><dd>${usedBy.length === 0 ? 'no agent' : usedBy.map((id) => html`<a href="/agents/${id}">${id}</a> `)}</dd>
<dt>Sealed with</dt><dd class="mono">${keyId}</dd></dl>
${changes(visit, name)}</article>`;
}

const changes = (visit: Visit, name: string): Markup =>
  html`${offer(
    visit,
    rotateForm,
    {
      to: rotateForm.path,
      look: 'inline',
      around: (form) => html`<details id="rotate-${name}"><summary>Rotate it</summary>${form}</details>`,
      isOneOfMany: true,
    },
    html`<input type="hidden" name="name" value="${name}">${valueField('The new value')}<button>Put it in place</button>`,
  )}${offer(
    visit,
    removeForm,
    {
      to: removeForm.path,
      look: 'inline',
      around: (form) => html`<details id="remove-${name}"><summary>Remove it</summary>${form}</details>`,
      isOneOfMany: true,
    },
    html`<input type="hidden" name="name" value="${name}"><label class="field"><span>Type <span class="mono">${name}</span>: what is called with it is denied from then on</span><input type="text" name="typed" required maxlength="63" autocapitalize="none" autocomplete="off" spellcheck="false"></label><button>Forget it</button>`,
  )}`;

const setSection = (visit: Visit, name: string): Markup =>
  offer(
    visit,
    setForm,
    {
      to: setForm.path,
      look: 'stack',
      around: (form) =>
        html`<details class="card" id="set-secret"><summary>Set a new secret</summary>${form}</details>`,
      isOneOfMany: true,
      otherwise: html`<p class="note">Setting, rotating and removing secrets needs the role admin.</p>`,
    },
    html`<label class="field">Name<input type="text" name="name" value="${name}" required maxlength="63" pattern="[a-z0-9][a-z0-9-]*" autocapitalize="none" autocomplete="off" spellcheck="false"></label>${valueField('Value')}
<p class="dim">One of several lines, such as a key: <code>estop secret set ${name === '' ? 'name' : name} --file path</code></p><p><button>Seal it</button></p>`,
  );

const valueField = (words: string): Markup =>
  html`<label class="field">${words} <small>one line; never shown again</small><input type="password" name="value" required maxlength="32768" autocomplete="off" spellcheck="false"></label>`;

const none = (): Markup =>
  html`<div class="card empty"><h2>No secret is sealed here</h2><p>Name one in estop.yaml, as in <code>credential: { secret: billing-token }</code>, and set it:</p><code class="command">estop secret set billing-token &lt; token.txt</code></div>`;

/** As it was typed: a space at its end may belong to it. */
const valueOf = (fields: Fields): string => fields.get('value')?.[0] ?? '';

const back = '/secrets';
const write = (verb: string, endpoint: Endpoint): ConsoleForm => ({
  path: `/secrets/${verb}`,
  asks: [endpoint],
  take: async (visit, fields) => {
    await visit.ask(endpoint, { path: { id: field(fields, 'name') }, body: { value: valueOf(fields) } });
    return back;
  },
});

const setForm = write('set', setSecret);
const rotateForm = write('rotate', rotateSecret);
const removeForm: ConsoleForm = {
  path: '/secrets/remove',
  asks: [removeSecret],
  take: async (visit, fields) => {
    const id = field(fields, 'name');
    // A refusal by permission comes first, from the endpoint: who may not learns nothing by typing well.
    if (visit.may('secret:write') && field(fields, 'typed') !== id)
      throw new EstopError('invalid-input', {
        fields: [{ pointer: 'typed', message: 'Type its name, to say that it is this one.' }],
      });
    await visit.ask(removeSecret, { path: { id } });
    return back;
  },
};

export const secretForms: readonly ConsoleForm[] = [setForm, rotateForm, removeForm];
