import { html } from 'hono/html';
import type { Playbook, PlaybookPage, PlaybookTest } from '../../contract/http/playbooks.ts';
import { cuttingPhases } from '../../contract/phases.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { listPlaybooks } from '../routes/list-playbooks.ts';
import { testPlaybook } from '../routes/test-playbook.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import type { ConsolePage } from './view.ts';
import type { Visit } from './visit.ts';
import { span } from './when.ts';

/** What was agreed beforehand, in the order in which it is looked at, and a way to ask which of it a stop would follow. */
export const playbooksPage: ConsolePage = {
  path: '/playbooks',
  show: async (visit) => {
    const scopeKey = visit.query('scope') ?? '';
    const trigger = visit.query('trigger') ?? '';
    const [page, tried] = await Promise.all([
      visit.ask<PlaybookPage>(listPlaybooks),
      scopeKey === ''
        ? undefined
        : visit.ask<PlaybookTest>(testPlaybook, { body: { scopeKey, ...(trigger === '' ? {} : { trigger }) } }),
    ]);
    return {
      title: 'Playbooks',
      place: 'playbooks',
      body: html`<div><h1>Playbooks</h1><p class="lead">What was agreed about stops before they happen. Latch, fence and halt ask none of them, and no phase that cuts access can be told to wait.</p></div>
${page.items.length === 0 ? none() : html`<ol class="cards">${page.items.map((one) => html`<li>${card(visit, one)}</li>`)}</ol>`}
<section class="card" aria-labelledby="try"><h2 id="try">What would a stop follow?</h2><form method="get" action="/playbooks" class="audit-filters">
<label class="field">What is stopped<input type="text" name="scope" value="${scopeKey}" required maxlength="256" placeholder="agent:billing-bot" autocapitalize="none" autocomplete="off" spellcheck="false"></label>
<label class="field">Ordered by trigger<input type="text" name="trigger" value="${trigger}" maxlength="63" placeholder="a person" autocapitalize="none" autocomplete="off" spellcheck="false"></label><button>Try it</button></form>
${tried === undefined ? html`<p class="dim">Stops nothing. The same as <code>estop playbook test</code>.</p>` : result(tried)}</section>`,
    };
  },
};

function card(visit: Visit, one: Playbook): Markup {
  const { playbookId, applies, environments, match, waits, category, graceMs, notify } = one;
  const isWaiting = (phase: string): boolean => waits.some((one) => one === phase);
  const who = match.triggers.length === 0 ? nothing : html`, ordered by ${foreign(match.triggers.join(' or '), 200)}`;
  return html`<article class="card"><div class="row between"><h2>${foreign(playbookId, 80)}</h2><span class="chip ${applies ? 'good' : ''}">${applies ? 'approved for here' : `not in ${visit.deps.environment}`}</span></div>
<p>For ${foreign(match.scopes.length === 0 ? 'any stop' : match.scopes.join(', '), 300)}${labelChips(match.labels)}${who}</p>
<ol class="phases" aria-label="Phases of ${playbookId}"><li><span class="chip">latch, fence, halt</span></li>${cuttingPhases.map((phase) => html`<li>${phaseChip(phase, isWaiting(phase))}</li>`)}<li><span class="chip">probe</span></li></ol>
<dl class="facts"><dt>A trigger orders</dt><dd>${category === 0 ? 'category 0: at once' : `category 1: a grace of ${span(graceMs)}`}, unless its rule says otherwise</dd>
<dt>Tells besides</dt><dd>${notify.length === 0 ? 'nobody' : foreign(notify.join(', '), 300)}</dd>
<dt>Approved for</dt><dd>${foreign(environments.join(', '), 300)}</dd></dl></article>`;
}

const phaseChip = (phase: string, isHeldBack: boolean): Markup =>
  isHeldBack
    ? html`<span class="chip warn">${phase} waits for a person</span>`
    : html`<span class="chip good">${phase}</span>`;

const labelChips = (labels: Playbook['match']['labels']): readonly Markup[] =>
  Object.entries(labels).map(([name, value]) => html` <span class="chip">${name}=${value}</span>`);

function result({ scopeKey, trigger, playbook }: PlaybookTest): Markup {
  const what = html`A stop of ${foreign(scopeWords(scopeKey), 160)}${trigger === null ? nothing : html`, ordered by ${foreign(trigger, 80)},`}`;
  if (playbook === null)
    return html`<p class="note" role="status">${what} follows none: every phase runs by itself.</p>`;
  return html`<p class="note ${playbook.waits.length === 0 ? 'good' : 'warn'}" role="status">${what} follows <strong>${foreign(playbook.playbookId, 80)}</strong>: ${playbook.waits.length === 0 ? 'every phase runs by itself.' : `${playbook.waits.join(', ')} will wait for a person.`}</p>`;
}

const none = (): Markup =>
  html`<div class="card empty"><h2>There is none</h2><p>Every phase of every stop runs by itself. Say under <code>playbooks</code> in estop.yaml what should wait for a person, and who should be told.</p></div>`;
