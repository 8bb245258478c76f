import { html } from 'hono/html';
import type { AgentPage } from '../../contract/http/agents.ts';
import type { NoticePage } from '../../contract/http/notices.ts';
import type { StopTimeline } from '../../contract/http/stop-notes.ts';
import type { StopView } from '../../contract/http/stops.ts';
import { plural } from '../../contract/plural.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { getStop } from '../routes/get-stop.ts';
import { getStopTimeline } from '../routes/get-stop-timeline.ts';
import { listAgents } from '../routes/list-agents.ts';
import { listNotices } from '../routes/list-notices.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { openEscalations } from './notice-groups.ts';
import { obligationTable } from './obligation-table.ts';
import { outOfBand } from './out-of-band.ts';
import { standstill } from './standstill.ts';
import { verdictOf } from './stop-card.ts';
import { noteOnStop, resetSection } from './stop-forms.ts';
import { calling, needsPerson, told } from './stop-people.ts';
import type { ConsolePage } from './view.ts';
import { clock, relative, span } from './when.ts';

/** One stop, as far as it was verified. Of that only the ledger speaks; Temporal is asked for nothing but whether it answers. */
export const stopPage: ConsolePage = {
  path: '/stops/:id',
  show: async (visit, parameter) => {
    const path = { id: parameter('id') };
    const [stop, timeline, agents, notices, open] = await Promise.all([
      visit.ask<StopView>(getStop, { path }),
      visit.ask<StopTimeline>(getStopTimeline, { path }),
      visit.ask<AgentPage>(listAgents).catch(() => undefined),
      visit.ask<NoticePage>(listNotices, { query: { subject: path.id, limit: '20' } }).catch(() => undefined),
      visit.may('notice:read') ? openEscalations(visit, path.id).catch(() => undefined) : undefined,
    ]);
    const still = await standstill(visit, stop);
    const verdict = verdictOf(stop);
    const isOver = stop.reached === 'proved';
    return {
      title: `Stop of ${scopeWords(stop.scopeKey)}`,
      place: 'stops',
      scope: stop.scopeKey,
      watch: ['stop', 'obligation'],
      ...(isOver ? {} : { againAfterSeconds: 3 }),
      body: html`
<div id="stop-head" data-live>
  <p class="dim"><a href="/stops">Stops</a></p>
  <h1>${stop.inForce ? 'Stop' : 'Past stop'} of ${foreign(scopeWords(stop.scopeKey))}</h1>
  <p class="lead">Latched ${clock(stop.stages[0]?.at ?? '', visit.now)} by ${foreign(stop.actor, 120)} (${stop.method})${stop.reason === '' ? nothing : html`: “${foreign(stop.reason, 500)}”`}</p>
</div>
<div id="stop-calls" data-live>${calling(visit, open)}</div>
<section id="stop-state" data-live class="card" aria-label="How far it is">
  <p class="verdict" role="status">${verdict.word}</p>
  ${nameNote(stop)}
  <ol class="stages">${stop.stages.map((stage) => stageItem(stop, stage))}</ol>
</section>
<div id="stop-needs" data-live class="stack">${still}${needsPerson(visit, stop, agents?.items ?? [])}${residual(stop, visit.now)}${completed(stop, visit.now)}</div>
<section id="stop-lanes" data-live class="stack"><h2>System by system</h2>${obligationTable(visit, stop)}</section>
<div class="two">
  <section class="stack"><h2>Timeline</h2><ol class="timeline card" id="stop-line" data-live>${timeline.items.map(
    ({ at, what, by }) =>
      html`<li>${clock(at, visit.now)}<span>${foreign(what, 500)}${by === null ? nothing : html` <span class="dim">by ${foreign(by, 120)}</span>`}</span></li>`,
  )}</ol>${noteOnStop(visit, stop)}</section>
  <section class="stack"><div id="stop-told" data-live>${told(visit, notices)}</div>${resetSection(visit, stop, timeline)}${facts(stop)}</section>
</div>`,
    };
  },
};

function nameNote({ scopeKnown }: StopView): Markup {
  if (scopeKnown === true) return nothing;
  return scopeKnown === null
    ? html`<p class="note warn">Whether anybody or anything here ever went by this name is <strong>not known</strong> just now.</p>`
    : html`<p class="note bad">Nobody and nothing here ever went by this name, so it covers nothing. Look for the right one in <a href="/">what runs now</a>.</p>`;
}

function stageItem(stop: StopView, { stage, at, afterMs }: StopView['stages'][number]): Markup {
  const isDone = at !== null;
  const time = stage === 'latched' ? (at ?? '').slice(11, 23) : isDone ? `+ ${span(afterMs ?? 0)}` : 'not yet';
  return html`<li class="${isDone ? 'done' : ''}"><b>${stage}${isDone ? nothing : html`<span class="sr">, not verified</span>`}</b><span class="at">${time}</span><small>${stageNote(stop, stage)}</small></li>`;
}

function stageNote(stop: StopView, stage: StopView['reached']): string {
  const { tasks, obligations, gateways } = stop;
  switch (stage) {
    case 'latched':
      return `committed, epoch ${stop.epoch}`;
    case 'fenced': {
      if (gateways.length === 0) return 'no gateway lives';
      const count = (outcome: string): number => gateways.filter((gateway) => gateway.outcome === outcome).length;
      return [
        `${count('confirmed')} of ${plural(gateways.length, 'gateway')} confirmed`,
        ...(count('expired') > 0 ? [`${count('expired')} by an ended lease`] : []),
        ...(count('waiting') > 0 ? [`${count('waiting')} waited for`] : []),
      ].join(', ');
    }
    case 'halted':
      return tasks.covered === 0
        ? 'no open task found'
        : `${tasks.halted} of ${plural(tasks.covered, 'task')} seen closed`;
    case 'revoked':
      if (obligations.total === 0 && obligations.uncovered > 0)
        return `${plural(obligations.uncovered, 'credential')} found, none acted on`;
      return obligations.total === 0
        ? 'no credential found'
        : `${obligations.revoked} of ${obligations.total} acted on`;
    case 'proved':
      if (stop.evidence === 'nothing-to-revoke') return 'nothing to revoke';
      return obligations.total === 0
        ? 'a last look is to come'
        : `${obligations.proved} of ${obligations.total} refused on the last probe`;
  }
}

function residual(stop: StopView, now: number): Markup {
  const lanes = stop.lanes.filter((lane) => lane.residual !== null && !lane.final);
  if (lanes.length === 0) return nothing;
  return html`<section class="note warn" aria-labelledby="alive"><h2 id="alive">Cannot be dead yet</h2>
    <ul>${lanes
      .slice(0, 50)
      .map(
        (lane) =>
          html`<li><strong>${foreign(lane.connector)} · ${foreign(lane.target, 120)}</strong> lives until ${clock(lane.residual?.until ?? '', now)} (${relative(lane.residual?.until ?? null, now)}): ${foreign(lane.residual?.why ?? '', 300)}. It is watched until then.</li>`,
      )}</ul></section>`;
}

function completed(stop: StopView, now: number): Markup {
  if (stop.possiblyCompleted === 0) return nothing;
  const { calls } = stop;
  return html`<section class="note warn" aria-labelledby="maybe"><h2 id="maybe">${plural(stop.possiblyCompleted, 'call')} possibly completed</h2>
    <p>Already written to a server when they were cut. Look there what became of them.</p>
    ${calls === null ? html`<p>Which they are is <strong>not known</strong> just now.</p>` : html`<ul>${calls.map((call) => html`<li>${foreign(call.tool, 120)}, admitted ${clock(call.admittedAt, now)}, <a href="/tasks/${call.taskId}">task …${call.taskId.slice(-6)}</a></li>`)}</ul>`}</section>`;
}

const facts = (stop: StopView): Markup => html`<section class="card" id="stop-facts" data-live><h2>This stop</h2>
  <dl class="facts">
    <dt>Scope</dt><dd class="mono">${stop.scopeKey}</dd>
    <dt>Category</dt><dd>${stop.category}${stop.category === 1 ? `, grace ${span(stop.graceMs)}` : ', at once'}</dd>
    <dt>Evidence</dt><dd>${stop.evidence ?? 'none yet'}</dd>
    <dt>Id</dt><dd class="mono">${stop.stopId}</dd>
    <dt>Workflow</dt><dd>${stop.workflow.url === null ? html`<span class="mono">${stop.workflow.workflowId}</span>` : html`<a href="${stop.workflow.url}">in Temporal's own UI</a>`}</dd>
  </dl>
  <details id="again"><summary>Order it again from a terminal</summary>${outOfBand(stop.scopeKey)}</details></section>`;
