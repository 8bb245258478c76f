import { html } from 'hono/html';
import type { Running, RunningAgent } from '../../contract/http/running.ts';
import type { ListedStop, StopPage } from '../../contract/http/stops.ts';
import { plural } from '../../contract/plural.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { listRunning } from '../routes/list-running.ts';
import { listStops } from '../routes/list-stops.ts';
import { agentLink } from './agent-link.ts';
import { gatewaysOf } from './counts.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { money } from './money.ts';
import { countOf, type NoticeGroup, type OpenEscalations, openEscalations } from './notice-groups.ts';
import { seenButton } from './seen.ts';
import { stopSummaryCard } from './stop-card.ts';
import { stopLink } from './stop-dialog.ts';
import type { ConsolePage } from './view.ts';
import type { Visit } from './visit.ts';
import { age, relative } from './when.ts';

const shownAtOnce = 30;

/** What runs, what a person should look at first on top. */
export const nowPage: ConsolePage = {
  path: '/',
  show: async (visit) => {
    const search = (visit.query('search') ?? '').slice(0, 200);
    const label = (visit.query('label') ?? '').slice(0, 200);
    const [running, stops, unseen, gateways] = await Promise.all([
      visit.ask<Running>(listRunning, { query: { search, label, limit: String(shownAtOnce) } }),
      visit.ask<StopPage>(listStops, { query: { inForce: 'true', limit: '10' } }),
      visit.may('notice:read') ? openEscalations(visit) : undefined,
      gatewaysOf(visit),
    ]);
    const isFiltered = search !== '' || label !== '';
    return {
      title: 'Now',
      place: 'now',
      watch: ['stop', 'task', 'approval', 'breaker'],
      againAfterSeconds: 15,
      ...(label !== '' && running.labels.includes(label) ? { scope: `label:${label}` } : {}),
      body: html`
<div id="now-head" data-live>
  <h1>${headline(running, stops.items)}</h1>
  <p class="lead">${subline(running)}</p>
  ${running.agents > 0 && gateways === 0 ? standingStill : nothing}
</div>
<div id="now-calls" data-live>${unseen === undefined || unseen.groups.length === 0 ? nothing : escalations(visit, unseen)}</div>
<div id="now-stops" data-live>${stops.items.length === 0 ? nothing : stopsInForce(visit, stops.items)}</div>
${running.agents === 0 ? nothing : filters(running, search, label)}
<div id="now-list" data-live>${running.items.length === 0 ? empty(visit, isFiltered) : list(visit, running)}</div>`,
    };
  },
};

/** They run on in Temporal, and everything that they ask for is denied: from outside that looks like agents that think. */
const standingStill = html`<p class="note bad"><strong>No gateway holds a lease: nothing that an agent calls gets through.</strong> That is the safe side, and every stop works. <code>estop doctor</code> says why.</p>`;

function headline(running: Running, stops: readonly ListedStop[]): string {
  if (stops.some((stop) => stop.scopeKey === 'fleet')) return 'A stop of everything is in force';
  if (running.agents === 0) return 'Nothing runs';
  return `${plural(running.agents, 'agent')} running`;
}

function subline(running: Running): Markup {
  const tasks = html`<a href="/tasks${running.tasks === 0 ? '' : '?state=open'}">${running.tasks === 0 ? 'Tasks of the past' : plural(running.tasks, 'open task')}</a>`;
  const waiting = html` · <a href="/approvals">${plural(running.pendingApprovals, 'call')} waiting for a person</a>`;
  return html`${tasks}${running.pendingApprovals === 0 ? nothing : waiting}${drillsUnderWay(running)}${running.agents === 0 ? nothing : html`. <small>Calls, denials and spending are those of the last five minutes.</small>`}`;
}

/** Nobody's work: named beside what runs, and not counted with it. */
function drillsUnderWay({ drills: [first, ...others] }: Running): Markup {
  if (first === undefined) return nothing;
  return html` · <a href="/connectors#connector-${first}">drill under way at ${first}${others.length === 0 ? '' : ` and ${plural(others.length, 'other')}`}</a>`;
}

/** Somebody is called by it or was, and nobody has answered: whoever looks here may be the first, and says so here. */
function escalations(visit: Visit, open: OpenEscalations): Markup {
  const shown = open.groups.slice(0, 3);
  return html`<section class="note warn" aria-label="Open escalations"><p><strong><a href="/notices">${countOf(open)}</a></strong>: nobody has said to have seen ${open.groups.length === 1 ? 'it' : 'them'}.</p>
    <ul class="calls">${shown.map((group) => html`<li class="row between">${escalation(group, visit.now)}${seenButton(visit, group)}</li>`)}</ul>
    ${open.groups.length > shown.length ? html`<p><a href="/notices?escalated=true">All of them</a></p>` : nothing}</section>`;
}

const escalation = (group: NoticeGroup, now: number): Markup => {
  const [{ title, path, notedAt, lines }] = group;
  return html`<div><a href="${path === '/' ? '/notices' : path}">${foreign(title, 150)}</a> ${relative(notedAt, now)}<br><small>${foreign(lines.join(' · '), 300)}</small></div>`;
};

function stopsInForce(visit: Visit, stops: readonly ListedStop[]): Markup {
  const shown = stops.slice(0, 3);
  return html`<section class="stack" aria-label="Stops in force"><h2 class="sr">Stops in force</h2>
    <ul class="cards">${shown.map((stop) => html`<li>${stopSummaryCard(stop, visit.now)}</li>`)}</ul>
    ${stops.length > shown.length ? html`<p><a href="/stops">All stops in force</a></p>` : nothing}
  </section>`;
}

const filters = (
  running: Running,
  search: string,
  label: string,
): Markup => html`<form method="get" action="/" class="filters" role="search">
  <label class="field">Find an agent<input type="search" name="search" value="${search}" maxlength="200" placeholder="id, owner or stop-holder" autocapitalize="none" spellcheck="false"></label>
  <label class="field">Label<select name="label"><option value="">any</option>${running.labels.map(
    (one) => html`<option value="${one}" ${one === label ? html`selected` : ''}>${one}</option>`,
  )}</select></label>
  <button>Show</button>
</form>`;

function list(visit: Visit, running: Running): Markup {
  const rest = running.matching - running.items.length;
  return html`<h2 class="sr">Agents, those to look at first on top</h2>
  <ul class="cards">${running.items.map((agent) => html`<li>${agentCard(visit, agent)}</li>`)}</ul>
  ${rest > 0 ? html`<p class="lead">And ${plural(rest, 'more agent')}, which stand out less. Search to find one.</p>` : nothing}`;
}

function agentCard(visit: Visit, agent: RunningAgent): Markup {
  const { lately, because } = agent;
  const isHot = because.some((word) => word === 'breaker' || word === 'denied' || word === 'spend');
  return html`<article class="card agent ${isHot ? 'hot' : ''}" id="agent-${agent.agentId}">
  <div>
    <h3 class="name">${agentLink(agent.agentId)}</h3>
    <small>${agent.owner === '' ? nothing : html`owner ${foreign(agent.owner, 60)}`}</small>
    <div class="chips">${chips(agent)}</div>
  </div>
  <dl class="numbers">
    ${figure('Tasks', String(agent.openTasks))}
    ${figure('Calls / min', perMinute(lately.calls), because.includes('rate') ? 'warm' : '')}
    ${figure('Denied', String(lately.denied), because.includes('denied') ? 'hot' : '')}
    ${figure('Spent', money(lately.microcents), because.includes('spend') ? 'hot' : '')}
    ${figure('Waiting', String(agent.pendingApprovals), agent.pendingApprovals > 0 ? 'warm' : '')}
    <div><dt>Oldest</dt><dd>${age(agent.oldestAt, visit.now)}</dd></div>
  </dl>
  ${stopLink(visit, `agent:${agent.agentId}`, scopeWords(`agent:${agent.agentId}`))}
</article>`;
}

const figure = (name: string, value: string, heat = ''): Markup =>
  html`<div><dt>${name}</dt><dd class="${heat}">${value}</dd></div>`;

function chips(agent: RunningAgent): readonly Markup[] {
  const { stoppedBy, heldTasks, trips } = agent;
  return [
    ...(stoppedBy === null ? [] : [html`<a class="chip bad" href="/stops/${stoppedBy}">stop in force</a>`]),
    ...trips.map(
      ({ breaker, action }) =>
        html`<span class="chip ${action === 'warn' ? 'warn' : 'bad'}">${breaker} tripped: ${action}</span>`,
    ),
    ...(heldTasks === 0
      ? []
      : [html`<span class="chip warn">${heldTasks === agent.openTasks ? 'on hold' : `${heldTasks} on hold`}</span>`]),
    ...Object.entries(agent.labels)
      .slice(0, 4)
      .map(([name, value]) => html`<span class="chip">${name}=${value}</span>`),
  ];
}

const perMinute = (calls: number): string => {
  const rate = calls / 5;
  return rate === 0 ? '0' : rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
};

function empty(visit: Visit, isFiltered: boolean): Markup {
  if (isFiltered)
    return html`<div class="card empty"><h2>No running agent matches</h2><p><a href="/">Show all that runs</a></p></div>`;
  const [first] = visit.deps.config.current().agents;
  return html`<div class="card empty"><h2>No agent has an open task</h2>
    ${
      first === undefined
        ? html`<p>None can: no agent is registered. Write the first one under agents in estop.yaml, and look at it before it counts:</p>
    <code class="command">estop config validate</code>`
        : html`<p>Start one, and it stands here while it runs:</p>
    <code class="command">estop task start ${first.agentId} "what it should do"</code>
    <p>Agents are registered in estop.yaml; <a href="/agents">all that are</a>.</p>`
    }
    ${visit.may('stop:read') ? html`<p><a href="/stops">Stops of the past</a></p>` : nothing}</div>`;
}
