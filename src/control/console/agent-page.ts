import { html } from 'hono/html';
import type { AgentView } from '../../contract/http/agent-view.ts';
import type { BreakerTrip, BreakerTripPage, BudgetPage } from '../../contract/http/limits.ts';
import type { TaskPage } from '../../contract/http/tasks.ts';
import { plural } from '../../contract/plural.ts';
import { amountWords, tripWords } from '../../contract/trip-words.ts';
import { getAgent } from '../routes/get-agent.ts';
import { listBreakers } from '../routes/list-breakers.ts';
import { listBudgets } from '../routes/list-budgets.ts';
import { listTasks } from '../routes/list-tasks.ts';
import { resetBreaker } from '../routes/reset-breaker.ts';
import { connectorLink } from './agent-link.ts';
import { budgetGauges } from './gauge.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer } from './offer.ts';
import { reachMap, reachTable } from './reach-map.ts';
import { taskList } from './task-list.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, span } from './when.ts';

export const agentPage: ConsolePage = {
  path: '/agents/:id',
  show: async (visit, parameter) => {
    const id = parameter('id');
    const path = { id };
    const [agent, budgets, trips, tasks] = await Promise.all([
      visit.ask<AgentView>(getAgent, { path }),
      visit.ask<BudgetPage>(listBudgets, { path }),
      visit.ask<BreakerTripPage>(listBreakers, { query: { agent: id, all: 'true' } }),
      visit.ask<TaskPage>(listTasks, { query: { agent: id, state: 'open', limit: '20' } }),
    ]);
    return {
      title: agent.agentId,
      place: 'agents',
      scope: `agent:${agent.agentId}`,
      watch: ['stop', 'task', 'breaker'],
      againAfterSeconds: 30,
      body: html`
<div><p class="dim"><a href="/agents">Agents</a></p><h1>${agent.agentId}</h1>
<div class="chips" id="agent-state" data-live>${states(agent, trips.items)}</div></div>
<section class="card" aria-label="Who answers for it"><dl class="facts">${who(visit, agent)}</dl></section>
${agent.sharedCredentials.map(({ at, with: others }) => html`<p class="note warn">At ${foreign(at, 120)} one credential stands for it and ${foreign(others.join(', '), 200)}: cutting it off there cuts them off as well.</p>`)}
<div id="agent-trips" data-live class="stack">${openTrips(visit, trips.items)}</div>
<section class="stack"><h2>Open tasks</h2><div id="agent-tasks" data-live>${taskList(tasks.items, visit.now, html`Nothing of it runs.`)}</div>
<p><a href="/tasks?agent=${agent.agentId}">All its tasks</a></p></section>
<section class="stack"><h2>Budgets</h2><div id="agent-budgets" data-live>${budgets.items.length === 0 ? noBudgets() : html`<div class="card">${budgetGauges(budgets.items)}</div>`}</div></section>
<section class="stack"><h2>What it can reach</h2>
${agent.reach.length === 0 ? html`<p class="card empty">Nothing: no tool, no credential and no model is given to it.</p>` : html`<p class="lead">By the configuration in force. Policy and people still stand in between, except where a credential was handed over.</p>${reachMap(agent)}${reachTable(agent)}`}</section>
<section class="stack"><h2>Breakers</h2><div id="agent-breakers" data-live class="stack">${breakers(visit, agent, trips.items)}</div></section>`,
    };
  },
};

function states(agent: AgentView, trips: readonly BreakerTrip[]): readonly Markup[] {
  return [
    agent.stoppedBy === null
      ? html`<span class="chip good">may run</span>`
      : html`<a class="chip bad" href="/stops/${agent.stoppedBy}">stop in force</a>`,
    ...trips
      .filter(({ clearedAt }) => clearedAt === null)
      .map(({ breaker, action }) => html`<span class="chip bad">${breaker} tripped: ${action}</span>`),
    ...(agent.configured ? [] : [html`<span class="chip warn">not in estop.yaml any more</span>`]),
    ...Object.entries(agent.labels).map(
      ([name, value]) =>
        html`<a class="chip" href="/?label=${encodeURIComponent(`${name}=${value}`)}">${name}=${value}</a>`,
    ),
  ];
}

const who = (visit: Visit, agent: AgentView): Markup => html`
<dt>Owner</dt><dd>${foreign(agent.owner, 200)}</dd>
<dt>Stop-holder</dt><dd>${foreign(agent.stopHolder, 200)} <small>may be called to stop it</small></dd>
<dt>Models</dt><dd>${agent.models.length === 0 ? '–' : agent.models.join(', ')}</dd>
<dt>May start</dt><dd>${agent.mayStart.length === 0 ? 'no other agent' : agent.mayStart.map((id) => html`<a href="/agents/${id}">${id}</a> `)}${agent.delegation === 'own' ? '(with all that their agents may)' : agent.mayStart.length === 0 ? '' : '(for no more than it may itself)'}</dd>
<dt>Credentials</dt><dd>${agent.grants.length === 0 ? 'none in its hands' : agent.grants.map(({ name, connector, lifeMs }) => html`${foreign(name, 80)} at ${connectorLink(visit, connector)} <small>for ${span(lifeMs)}</small> `)}</dd>
<dt>Limits</dt><dd>${
  Object.entries(agent.limits)
    .map(
      ([name, most]) => (Object.hasOwn(limitWords, name) ? limitWords[name] : undefined)?.(most) ?? `${name} ${most}`,
    )
    .join(', ') || '–'
}</dd>`;

/** As estop.yaml has them. What a newer version has besides keeps its name. */
const limitWords: Readonly<Record<string, (most: number) => string>> = {
  maxSteps: (most) => plural(most, 'step'),
  maxTokens: (most) => `${most.toLocaleString('en')} tokens`,
  maxDepth: (most) => `${plural(most, 'generation')} of children`,
  maxFanOut: (most) => `${plural(most, 'child', 'children')} of one task`,
  maxOpenTasks: (most) => `${most.toLocaleString('en')} open tasks`,
  approvalTtlMs: (most) => `${span(most)} to decide a call`,
};

function openTrips(visit: Visit, trips: readonly BreakerTrip[]): Markup {
  const open = trips.filter(({ clearedAt, action }) => clearedAt === null && action !== 'shadow');
  if (open.length === 0) return nothing;
  return html`<ul class="cards">${open.map(
    (
      trip,
    ) => html`<li class="note ${trip.action === 'warn' ? 'warn' : 'bad'} stack"><p><strong>${trip.breaker} tripped</strong>, ${clock(trip.trippedAt, visit.now)}: ${tripWords(trip)}${trip.breaker === 'trigger' ? nothing : `; looked at ${plural(trip.sample, 'call')}`}. It ${trip.action === 'warn' ? 'only tells people' : `led to a ${trip.action}`}.</p>
${trip.stopId !== null ? html`<p><a href="/stops/${trip.stopId}">The stop</a> is what is reset.</p>` : resetForm(visit, trip)}</li>`,
  )}</ul>`;
}

const resetForm = (visit: Visit, { agentId, breaker }: BreakerTrip): Markup =>
  offer(
    visit,
    resetBreakerForm,
    {
      to: `/agents/${agentId}/reset-breaker`,
      look: 'inline',
      around: (form) => html`<details id="trip-${breaker}"><summary>Reset this breaker</summary>${form}</details>`,
    },
    html`<input type="hidden" name="breaker" value="${breaker}"><label class="field">Why it may go on<input type="text" name="reason" required maxlength="500" autocomplete="off"></label><button>Reset</button>`,
  );

function breakers(visit: Visit, agent: AgentView, trips: readonly BreakerTrip[]): Markup {
  if (agent.breakers.length === 0)
    return html`<p class="card empty">No breaker watches it. Say in estop.yaml which pattern should hold or stop it.</p>`;
  const past = trips.filter(({ clearedAt }) => clearedAt !== null).slice(0, 10);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Breakers"><table class="fold"><thead><tr><th scope="col">Breaker</th><th scope="col">Trips beyond</th><th scope="col">Within</th><th scope="col">Then</th></tr></thead>
<tbody>${agent.breakers.map((rule) => html`<tr><th scope="row" data-of="Breaker">${rule.breaker}</th><td data-of="Trips beyond">${amountWords(rule.breaker, rule.most)}</td><td data-of="Within">${span(rule.withinMs)}</td><td data-of="Then">${rule.action}</td></tr>`)}</tbody></table></div>
${past.length === 0 ? nothing : html`<ol class="timeline card">${past.map((trip) => html`<li>${clock(trip.trippedAt, visit.now)}<span>${trip.breaker} tripped (${trip.action}), reset by ${foreign(trip.clearedBy ?? '?', 80)}: ${foreign(trip.clearReason ?? '', 200)}</span></li>`)}</ol>`}`;
}

const noBudgets = (): Markup =>
  html`<p class="card empty">No budget bounds it. Set one in estop.yaml, and what it spends stands here against it.</p>`;

export const resetBreakerForm: ConsoleForm = {
  path: '/agents/:id/reset-breaker',
  asks: [resetBreaker],
  take: async (visit, fields, parameter) => {
    const id = parameter('id');
    await visit.ask(resetBreaker, {
      path: { id },
      body: { breaker: field(fields, 'breaker'), reason: field(fields, 'reason') },
    });
    return `/agents/${encodeURIComponent(id)}`;
  },
};
