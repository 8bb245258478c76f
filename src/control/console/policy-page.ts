import { html } from 'hono/html';
import type { ActivationResult, PoliciesInForce, PolicyProposal } from '../../contract/http/policies.ts';
import { plural } from '../../contract/plural.ts';
import { EstopError } from '../../core/errors.ts';
import { namesOfCaller } from '../names-of-caller.ts';
import { activatePolicies } from '../routes/activate-policies.ts';
import { getPolicies } from '../routes/get-policies.ts';
import { rollBackPolicies } from '../routes/roll-back-policies.ts';
import { fencedChanges } from './fenced.ts';
import { foreign, type Markup, nothing, spelledOut } from './markup.ts';
import { offer, whyNotOffered } from './offer.ts';
import { onceField, onceIn } from './once.ts';
import { policiesIn } from './policy-files.ts';
import { type ConsoleForm, type ConsolePage, field, type View } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative } from './when.ts';

export const policyPage: ConsolePage = {
  path: '/policy',
  show: async (visit) => {
    const policies = await visit.ask<PoliciesInForce>(getPolicies);
    return {
      title: 'Policy',
      place: 'policy',
      body: html`<div><h1>Policy</h1><p class="lead">Version <span class="mono">${policies.version}</span>, ${policies.activation === 0 ? 'as it comes with estop; nobody has activated another' : `activation ${policies.activation}`}</p></div>
${proposals(visit, policies)}<section class="stack"><h2>The texts in force</h2>${Object.entries(policies.files).map(
        ([name, text]) =>
          html`<details class="card" id="file-${name.replaceAll(/[^a-z0-9-]/g, '-')}"><summary>${foreign(name, 100)} <small>${plural(text.split('\n').length, 'line')}</small></summary><figure class="fenced"><pre tabindex="0">${spelledOut(text, '\n\t')}</pre></figure></details>`,
      )}</section>
<section class="stack"><h2>Who changed it</h2>${policies.history.length === 0 ? none() : history(policies, visit.now)}</section>
<section class="note"><h2>Before you change it</h2><p><a href="/policy/backtest">Try a set on recorded runs</a>, which asks and calls nothing, and says whether it could be in force.</p></section>
${whyNotOffered(visit, activateForm, rollBackForm)}${activate(visit, policies)}${policies.history.length === 0 ? nothing : rollBack(visit, policies)}`,
    };
  },
};

const history = ({ history: entries }: PoliciesInForce, now: number): Markup =>
  html`<ol class="timeline card">${entries.map(
    (one) =>
      html`<li>${clock(one.activatedAt, now)}<span><span class="mono">${one.version}</span> by ${foreign(one.activatedBy, 120)}${one.secondedBy === null ? nothing : html` and ${foreign(one.secondedBy, 120)}`}: ${foreign(one.reason, 400)}</span></li>`,
  )}</ol>`;

const none = (): Markup =>
  html`<p class="card empty">What comes with estop is in force: reads flow, writes are looked at, what cannot be undone asks a person.</p>`;

/** The whole set, by its files. What was looked at goes along: a set that somebody put in force meanwhile is not replaced unseen. */
const activate = (visit: Visit, { activation }: PoliciesInForce): Markup =>
  offer(
    visit,
    activateForm,
    {
      to: '/policy/activate',
      look: 'stack',
      around: (form) =>
        html`<details class="card" id="activate"><summary>Put another set in force</summary>${form}</details>`,
      isOneOfMany: true,
      otherwise: html`<p class="note">Changing the policy needs the role admin.</p>`,
    },
    html`${onceField()}<input type="hidden" name="after" value="${activation}">
<label class="field">All its *.cedar files<input type="file" name="policies" accept=".cedar" multiple required></label>
<label class="field">Why<input type="text" name="reason" required maxlength="500" autocomplete="off"></label><p><button>Check it and put it in force</button></p>`,
  );

/** What another person wants, as it differs from what is in force: whoever is the second sees what they put in force. */
function proposals(visit: Visit, { proposed, files: inForce, activation }: PoliciesInForce): Markup {
  if (proposed.length === 0) return nothing;
  const mine = namesOfCaller(visit.caller, visit.deps);
  return html`<section class="stack" aria-labelledby="proposed"><h2 id="proposed">Waits for a second person</h2>${proposed.map(
    (
      one,
    ) => html`<article class="note warn stack"><p><strong class="mono">${one.version}</strong>, wanted by ${foreign(one.proposedBy, 120)} ${clock(one.proposedAt, visit.now)}${one.reason === null ? nothing : html`: “${foreign(one.reason, 400)}”`}. It is not in force; its time is over ${relative(one.endsAt, visit.now)}.</p>
${changedFiles(inForce, one.files).map(([name, before, after]) => html`<details id="proposed-${one.version}-${name.replaceAll(/[^a-z0-9-]/g, '-')}" open><summary>${foreign(name, 100)}</summary>${fencedChanges('− in force   + wanted', before, after)}</details>`)}
${mine.includes(one.proposedBy.toLowerCase()) ? html`<p>You wanted it yourself: somebody else has to say so too.</p>` : second(visit, one, activation)}</article>`,
  )}</section>`;
}

/** Name, text in force, text that is wanted; a file that is not there has none. */
function changedFiles(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly (readonly [string, string, string])[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name) => {
    const [old = '', wanted = ''] = [before[name], after[name]];
    return old === wanted ? [] : [[name, old, wanted] as const];
  });
}

const second = (visit: Visit, { version }: PolicyProposal, activation: number): Markup =>
  offer(
    visit,
    secondForm,
    { to: secondForm.path, look: 'inline', isOneOfMany: true, otherwise: html`<p>An admin can put it in force.</p>` },
    html`${onceField()}<input type="hidden" name="version" value="${version}"><input type="hidden" name="after" value="${activation}"><label class="field">Why<input type="text" name="reason" required maxlength="500" autocomplete="off"></label><button>Put it in force, as the second person</button>`,
  );

function rollBack(visit: Visit, { history: entries }: PoliciesInForce): Markup {
  const versions = [...new Set(entries.slice(1).map(({ version }) => version))];
  return offer(
    visit,
    rollBackForm,
    {
      to: '/policy',
      look: 'stack',
      around: (form) => html`<section class="card"><h2>Put an earlier one in force</h2>${form}</section>`,
      isOneOfMany: true,
    },
    html`${onceField()}
<label class="field">Which<select name="version"><option value="">the one before</option>${versions.map((version) => html`<option>${version}</option>`)}</select></label>
<label class="field">Why<input type="text" name="reason" required maxlength="500" autocomplete="off"></label><p><button>Put it in force</button></p>`,
  );
}

export const rollBackForm: ConsoleForm = {
  path: '/policy',
  asks: [rollBackPolicies],
  take: async (visit, fields) => {
    const version = field(fields, 'version');
    const result = await visit.ask<ActivationResult>(rollBackPolicies, {
      body: { reason: field(fields, 'reason'), ...(version === '' ? {} : { version }) },
      once: onceIn(fields),
    });
    return afterwards(result);
  },
};

/** Only what waits just now, over what was in force when it was read: whoever is late puts nothing in force by it. */
export const secondForm: ConsoleForm = {
  path: '/policy/second',
  asks: [activatePolicies],
  take: async (visit, fields) => {
    const version = field(fields, 'version');
    const { proposed } = await visit.ask<PoliciesInForce>(getPolicies);
    const files = proposed.find((one) => one.version === version)?.files;
    // Who may not is refused by the endpoint first, whatever they name.
    if (files === undefined && visit.may('policy:activate'))
      throw new EstopError('not-found', { detail: 'No set of that version waits for a second person any more.' });
    const body = { files: files ?? {}, reason: field(fields, 'reason'), after: Number(field(fields, 'after')) };
    return afterwards(await visit.ask<ActivationResult>(activatePolicies, { body, once: onceIn(fields) }));
  },
};

export const activateForm: ConsoleForm = {
  path: '/policy/activate',
  asks: [activatePolicies],
  takesFiles: true,
  take: async (visit, fields) => {
    const body = {
      files: policiesIn(fields) ?? {},
      reason: field(fields, 'reason'),
      after: Number(field(fields, 'after')),
    };
    return afterwards(
      await visit.ask<ActivationResult>(activatePolicies, {
        body,
        once: onceIn(fields),
      }),
    );
  },
};

function afterwards({ outcome, version }: ActivationResult): string | View {
  if (outcome !== 'awaiting-second-person') return '/policy';
  return {
    title: 'Recorded, not in force',
    place: 'policy',
    status: 202,
    body: html`<h1>Recorded, not in force</h1><div class="note warn"><p>Version <span class="mono">${version}</span> is in force once another admin puts it in force too, within 15 minutes: on the page of the policy, or by</p><code class="command">estop policy activate --proposed ${version} --reason ".."</code></div><p><a href="/policy">The policy, and what waits</a></p>`,
  };
}
