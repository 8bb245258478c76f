import { html } from 'hono/html';
import type { Agent } from '../../contract/http/agents.ts';
import type { Notice, NoticePage } from '../../contract/http/notices.ts';
import { otherErrorSince } from '../../contract/http/other-error-since.ts';
import type { Obligation, StopView } from '../../contract/http/stops.ts';
import { waitingPhaseOf } from '../../contract/http/waiting-phase.ts';
import { plural } from '../../contract/plural.ts';
import { quietSentence } from '../../core/notice.ts';
import { waitingPhases } from '../../core/playbook.ts';
import { acceptRisk } from '../routes/accept-risk.ts';
import { proceedPhase } from '../routes/proceed-phase.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { bySubject, deliveryChip, isCalling, isUnseen, type OpenEscalations } from './notice-groups.ts';
import { offer } from './offer.ts';
import { seenButton } from './seen.ts';
import { type ConsoleForm, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, nextTry, relative } from './when.ts';

/** Who, what, and what to do: once for one cause at one connector, however many credentials it keeps alive. A phase that a playbook makes wait is one question, however many systems wait for it. */
export function needsPerson(visit: Visit, stop: StopView, agents: readonly Agent[]): Markup {
  const lanes = stop.lanes.filter((lane) => lane.needsHuman !== null && !lane.final);
  if (lanes.length === 0) return nothing;
  const waiting = waitingPhases.flatMap((phase) => {
    const held = lanes.filter((lane) => waitingPhaseOf(lane) === phase);
    return held.length === 0 ? [] : [waitingPhase(visit, stop, phase, held)];
  });
  const shown = byCause(lanes.filter((lane) => waitingPhaseOf(lane) === undefined)).slice(0, 50);
  return html`<section class="stack" aria-labelledby="needs"><h2 id="needs">Needs a person</h2>
    <ul class="cards">${waiting.map((one) => html`<li class="note warn stack">${one}</li>`)}${shown.map((alike) => html`<li class="note bad stack">${brokenLanes(visit, alike, agents)}</li>`)}</ul></section>`;
}

function byCause(lanes: readonly Obligation[]): readonly (readonly Obligation[])[] {
  const alike = new Map<string, Obligation[]>();
  for (const lane of lanes) {
    const cause = JSON.stringify([lane.connector, lane.agentId, lane.needsHuman]);
    alike.set(cause, [...(alike.get(cause) ?? []), lane]);
  }
  return [...alike.values()];
}

function waitingPhase(visit: Visit, stop: StopView, phase: string, held: readonly Obligation[]): Markup {
  const systems = [...new Set(held.map(({ connector }) => connector))].join(', ');
  return html`<p><strong>${phase}</strong> waits for ${plural(held.length, 'credential')} at ${foreign(systems, 200)}, because a playbook says that a person lets it go on.</p>
${offer(
  visit,
  proceedForm,
  {
    to: `/stops/${stop.stopId}/proceed`,
    look: 'inline',
    around: (form) => html`<details id="proceed-${phase}"><summary>Let it go on</summary>${form}</details>`,
    otherwise: html`<p>An operator can let it go on.</p>`,
  },
  html`<input type="hidden" name="phase" value="${phase}"><label class="field">Why<input type="text" name="reason" required maxlength="500" autocomplete="off"></label><button>Go on with ${phase}</button>`,
)}`;
}

function brokenLanes(visit: Visit, alike: readonly Obligation[], agents: readonly Agent[]): Markup {
  const [first] = alike;
  if (first === undefined) return nothing;
  const { connector, needsHuman } = first;
  const agent = agents.find(({ agentId }) => agentId === first.agentId);
  const since = alike.map(otherErrorSince).find((one) => one !== undefined);
  const nextTryAt = alike.flatMap((lane) => lane.nextTryAt ?? []).toSorted()[0];
  return html`<p><strong>${foreign(connector)} · ${alike.length === 1 ? foreign(first.target, 120) : plural(alike.length, 'credential')}</strong>: ${foreign(needsHuman ?? '', 400)}</p>${since === undefined ? nothing : html`<p>Since then, at its last try: ${foreign(since, 400)}</p>`}
<p>Who: ${agent === undefined ? html`whoever keeps ${foreign(connector)}` : html`${foreign(agent.owner, 80)} (owner), ${foreign(agent.stopHolder, 80)} (stop-holder)`}. What to do: mend it, and the work goes on by itself${nextTryAt === undefined ? '' : html`; ${nextTry(nextTryAt, visit.now)}`}.</p>
${alike.length === 1 ? riskSection(visit, first) : html`<details id="which-${first.grantId}"><summary>Which they are</summary><ul class="stack">${alike.slice(0, 50).map((lane) => html`<li>${foreign(lane.target, 120)}${riskSection(visit, lane)}</li>`)}</ul></details>`}`;
}

/** The one end without proof: behind a fold, because it is never the first thing to try. */
function riskSection(visit: Visit, lane: Obligation): Markup {
  return offer(
    visit,
    riskForm,
    {
      to: riskForm.path,
      look: 'stack',
      around: (form) =>
        html`<details id="risk-${lane.grantId}"><summary>It cannot be mended</summary>${form}</details>`,
    },
    html`<input type="hidden" name="obligation" value="${lane.obligationId}"><label class="field">Why you answer for it, in your name and for good<input type="text" name="reason" required maxlength="500"></label><p><button>Accept the risk</button></p>`,
  );
}

/** People are called because of it, and nobody has answered: whoever reads this may be the first, and says so here. */
export function calling(visit: Visit, open: OpenEscalations | undefined): Markup {
  const [group] = open?.groups ?? [];
  if (group === undefined) return nothing;
  const titles = group.map(
    ({ title, notedAt }) => html`<li>${foreign(title, 150)} ${relative(notedAt, visit.now)}</li>`,
  );
  return html`<section class="note warn row between" aria-label="Open escalation"><div><p><strong>${group.some(isCalling) ? 'People are called for it, one after the other, until somebody says to have seen it' : 'People were called for it, and nobody has said to have seen it'}</strong></p><ul>${titles.slice(0, 5)}</ul></div>${seenButton(visit, group)}</section>`;
}

/** Who was told of it, and whether anybody has seen it. */
export function told(visit: Visit, notices: NoticePage | undefined): Markup {
  if (notices === undefined || notices.items.length === 0) return nothing;
  const [group] = bySubject(notices.items);
  // What people are called for is said on top of the page.
  const isOpen = notices.items.some(({ acknowledgedAt, quiet }) => acknowledgedAt === null && quiet === null);
  const isCalledFor = notices.items.some(isUnseen);
  return html`<section class="card"><h2>Who was told</h2><ul class="stack">${notices.items.slice(0, 12).map((notice) => html`<li><strong>${foreign(notice.title, 150)}</strong> <small>${clock(notice.notedAt, visit.now)}${notice.quiet === null ? '' : html`, told to nobody: ${foreign(quietSentence(notice.quiet), 120)}`}</small><div class="chips">${deliveries(notice, visit.now)}</div></li>`)}</ul>
${isOpen && !isCalledFor && group !== undefined ? seenButton(visit, group) : nothing}</section>`;
}

function deliveries(notice: Notice, now: number): readonly Markup[] {
  const seen =
    notice.acknowledgedBy === null
      ? []
      : [html`<span class="chip good">seen by ${foreign(notice.acknowledgedBy, 60)}</span>`];
  return [
    ...seen,
    ...notice.deliveries.map((one) => deliveryChip(one, notice.notedAt, notice.acknowledgedAt !== null, now)),
  ];
}

const riskForm: ConsoleForm = {
  path: '/accept-risk',
  asks: [acceptRisk],
  take: async (visit, fields) => {
    const id = field(fields, 'obligation');
    await visit.ask(acceptRisk, { path: { id }, body: { reason: field(fields, 'reason') } });
    return `/stops/${encodeURIComponent(id.split('/')[0] ?? '')}`;
  },
};

const proceedForm: ConsoleForm = {
  path: '/stops/:id/proceed',
  asks: [proceedPhase],
  take: async (visit, fields, parameter) => {
    const id = parameter('id');
    await visit.ask(proceedPhase, {
      path: { id },
      body: { phase: field(fields, 'phase'), reason: field(fields, 'reason') },
    });
    return `/stops/${encodeURIComponent(id)}`;
  },
};

export const stopPeopleForms: readonly ConsoleForm[] = [riskForm, proceedForm];
