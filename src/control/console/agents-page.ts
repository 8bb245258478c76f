import { html } from 'hono/html';
import type { AgentPage } from '../../contract/http/agents.ts';
import { listAgents } from '../routes/list-agents.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { stopLink } from './stop-dialog.ts';
import type { ConsolePage } from './view.ts';

const shownAtOnce = 200;

export const agentsPage: ConsolePage = {
  path: '/agents',
  show: async (visit) => {
    const search = (visit.query('search') ?? '').slice(0, 200).toLowerCase();
    const { items } = await visit.ask<AgentPage>(listAgents);
    const found = items.filter(({ agentId, owner, stopHolder, labels }) =>
      [agentId, owner, stopHolder, ...Object.entries(labels).map((pair) => pair.join('='))].some((text) =>
        text.toLowerCase().includes(search),
      ),
    );
    const shown = found.slice(0, shownAtOnce);
    return {
      title: 'Agents',
      place: 'agents',
      watch: ['stop', 'task'],
      body: html`<h1>Agents</h1>
${items.length === 0 ? nothing : html`<form method="get" action="/agents" class="inline" role="search"><label class="field">Find<input type="search" name="search" value="${visit.query('search') ?? ''}" maxlength="200" placeholder="id, owner, stop-holder or label" autocapitalize="none" spellcheck="false"></label><button>Show</button></form>`}
<div id="agents" data-live class="stack">${
        shown.length === 0
          ? none(items.length > 0)
          : html`<ul class="cards">${shown.map(
              (
                agent,
              ) => html`<li class="card row between"><div><h2><a href="/agents/${agent.agentId}">${agent.agentId}</a></h2>
<p><small>owner ${foreign(agent.owner, 80)}, stop-holder ${foreign(agent.stopHolder, 80)}</small></p>
<div class="chips">${agent.stoppedBy === null ? nothing : html`<a class="chip bad" href="/stops/${agent.stoppedBy}">stop in force</a>`}<span class="chip ${agent.openTasks > 0 ? 'good' : ''}">${agent.openTasks} open</span>${Object.entries(
                agent.labels,
              )
                .slice(0, 6)
                .map(([name, value]) => html`<span class="chip">${name}=${value}</span>`)}</div></div>
${stopLink(visit, `agent:${agent.agentId}`, `agent ${agent.agentId}`)}</li>`,
            )}</ul>`
      }${found.length > shown.length ? html`<p class="lead">${found.length - shown.length} more match. Search to find one.</p>` : nothing}</div>`,
    };
  },
};

const none = (isFiltered: boolean): Markup =>
  isFiltered
    ? html`<div class="card empty"><h2>No agent matches</h2><p><a href="/agents">All agents</a></p></div>`
    : html`<div class="card empty"><h2>No agent is registered</h2><p>Name one in estop.yaml, under <code>agents</code>; it is taken over while everything runs:</p><code class="command">estop config validate</code></div>`;
