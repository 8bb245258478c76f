import { html } from 'hono/html';
import type { ConnectorPage, ConnectorReadiness, Drill } from '../../contract/http/connectors.ts';
import { plural } from '../../contract/plural.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { drillConnector } from '../routes/drill-connector.ts';
import { listConnectors } from '../routes/list-connectors.ts';
import { agentLink } from './agent-link.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer } from './offer.ts';
import { onceField, onceIn } from './once.ts';
import { stopLink } from './stop-dialog.ts';
import type { ConsoleForm, ConsolePage } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative, span } from './when.ts';

/** One question for each: can it cut off now? */
export const connectorsPage: ConsolePage = {
  path: '/connectors',
  show: async (visit) => {
    const { items } = await visit.ask<ConnectorPage>(listConnectors);
    const notReady = items.filter(({ ready }) => ready !== 'yes').length;
    return {
      title: 'Connectors',
      place: 'connectors',
      watch: ['obligation', 'stop'],
      againAfterSeconds: 30,
      body: html`<div id="connectors-head" data-live><h1>Connectors</h1>${items.length === 0 ? nothing : html`<p class="lead">${notReady === 0 ? 'Every one of them could cut off now.' : `${plural(notReady, 'connector')} cannot be relied on to cut off now.`}</p>`}</div>
<div id="connectors" data-live>${items.length === 0 ? none() : html`<ul class="cards">${items.map((item) => html`<li>${card(visit, item)}</li>`)}</ul>`}</div>`,
    };
  },
};

const words = { yes: 'can cut off', no: 'cannot cut off', unknown: 'not known' } as const;
const tones = { yes: 'good', no: 'bad', unknown: 'warn' } as const;

function card(visit: Visit, item: ConnectorReadiness): Markup {
  return html`<article class="card" id="connector-${item.connectorId}"><div class="row between"><h2>${item.connectorId} <small>${item.system}</small></h2><span class="row"><span class="chip ${tones[item.ready]}">${words[item.ready]}</span>${stopLink(visit, `connector:${item.connectorId}`, `connector ${item.connectorId}`)}</span></div>
${item.findings.length === 0 ? nothing : html`<ul class="note ${item.ready === 'no' ? 'bad' : 'warn'}">${item.findings.map((finding) => html`<li>${foreign(finding, 500)}</li>`)}</ul>`}
<dl class="facts"><dt>Last self-check</dt><dd>${item.checkedAt === null ? 'never: is the control worker running?' : html`${relative(item.checkedAt, visit.now)}, took ${span(item.tookMs ?? 0)}${item.since === null ? nothing : html`; the same since ${clock(item.since, visit.now)}`}`}</dd>
<dt>Live credentials</dt><dd>${item.liveGrants}${item.heldBy.map(({ taskId, agentId }) => html` · <a href="/tasks/${taskId}">task …${taskId.slice(-6)}</a> of ${agentLink(agentId)}`)}</dd>
<dt>To be made dead</dt><dd>${item.openObligations}${item.endedBy.map(({ stopId, scopeKey }) => html` · <a href="/stops/${stopId}">stop of ${foreign(scopeWords(scopeKey), 120)}</a>`)}${item.needsHuman === 0 ? nothing : html` <span class="chip bad">${plural(item.needsHuman, 'needs', 'need')} a person</span>`}</dd>
<dt>Last proved dead</dt><dd>${item.lastProvedAt === null ? 'nothing yet' : clock(item.lastProvedAt, visit.now)}</dd>
<dt>Last drill</dt><dd>${lastDrill(visit, item.connectorId, item.lastDrill)}${item.lastDrill === null ? nothing : html` <a href="/tasks?agent=drill%2F${item.connectorId}">All of them<span class="sr"> at ${item.connectorId}</span></a>`}</dd>
<dt>Drilled by itself</dt><dd>${item.drillEveryMs === null ? html`never: see <code>drills</code> in estop.yaml` : html`every ${span(item.drillEveryMs)}; ${item.drillProvedAt === null ? 'none was proved yet' : html`last proved ${relative(item.drillProvedAt, visit.now)}`}`}</dd>
<dt>Given to</dt><dd>${item.agents.length === 0 ? 'no agent' : item.agents.slice(0, 20).map((id) => html`<a href="/agents/${id}">${id}</a> `)}</dd></dl>
${item.lastDrill?.state === 'asked' ? nothing : drillNow(visit, item.connectorId)}</article>`;
}

/** On a credential of its own: nothing of any agent is touched. */
const drillNow = (visit: Visit, connectorId: string): Markup =>
  offer(
    visit,
    drillForm,
    { to: `/connectors/${connectorId}/drill`, look: 'row between' },
    html`${onceField()}<span>Try it on a credential made for that alone.</span><button id="drill-${connectorId}">Drill it<span class="sr"> ${connectorId}</span></button>`,
  );

function lastDrill(visit: Visit, connectorId: string, drill: Drill | null): Markup {
  if (drill === null)
    return html`never: <code>estop connector drill ${connectorId}</code> makes a credential, cuts it off and proves it dead`;
  const times =
    drill.issueMs === null || drill.cutMs === null || drill.proveMs === null
      ? nothing
      : html`; issued in ${span(drill.issueMs)}, cut off in ${span(drill.cutMs)}, proved in ${span(drill.proveMs)}`;
  return html`<span class="chip ${drillTones[drill.state]}">${drillWords[drill.state]}</span> ${relative(drill.finishedAt ?? drill.askedAt, visit.now)} by ${foreign(drill.askedBy, 200)}${times}${drill.why === null ? nothing : html`. ${foreign(drill.why, 500)}`}`;
}

const drillWords = {
  asked: 'under way',
  proved: 'proved dead',
  failed: 'FAILED',
  impossible: 'cannot be tried',
} as const;
const drillTones = { asked: 'warn', proved: 'good', failed: 'bad', impossible: 'warn' } as const;

const none = (): Markup =>
  html`<div class="card empty"><h2>No connector is configured</h2><p>Agents that get credentials of their own need one for each system: postgres, oauth, pg-boss, temporal. See <code>connectors</code> in estop.yaml.</p></div>`;

export const drillForm: ConsoleForm = {
  path: '/connectors/:id/drill',
  asks: [drillConnector],
  take: async (visit, fields, parameter) => {
    await visit.ask(drillConnector, {
      path: { id: parameter('id') },
      once: onceIn(fields),
    });
    return '/connectors';
  },
};
