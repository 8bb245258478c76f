import { html } from 'hono/html';
import type { Obligation, StopView } from '../../contract/http/stops.ts';
import { waitingPhaseOf } from '../../contract/http/waiting-phase.ts';
import { plural } from '../../contract/plural.ts';
import { agentLink, connectorLink } from './agent-link.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import type { Visit } from './visit.ts';
import { age, nextTry, span } from './when.ts';

/** Everything the stop must make dead; what is not final comes first, as the API sends it. */
export function obligationTable(visit: Visit, stop: StopView): Markup {
  const { total, uncovered } = stop.obligations;
  if (total === 0)
    return html`<div class="card empty"><p>${
      stop.reached === 'proved'
        ? 'No credential of ours was under this stop.'
        : uncovered > 0
          ? `${plural(uncovered, 'credential')} found; the work on them begins.`
          : 'No credential under this stop is known so far.'
    }</p></div>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Obligations"><table class="fold">
  <thead><tr><th scope="col">Connector</th><th scope="col">Target</th><th scope="col">State</th><th scope="col">After the latch</th><th scope="col">Steps</th><th scope="col">Last error, next try</th><th scope="col">Age</th></tr></thead>
  <tbody>${stop.lanes.map((lane) => row(visit, lane))}</tbody></table></div>
  ${stop.lanesTruncated ? html`<p class="lead">${plural(total - stop.lanes.length, 'more')} under <code>GET /v1/stops/${stop.stopId}/obligations</code>.</p>` : nothing}`;
}

function row(visit: Visit, lane: Obligation): Markup {
  const { now } = visit;
  const { words, tone } = stateOf(lane);
  return html`<tr><th scope="row" data-of="Connector">${connectorLink(visit, lane.connector)}</th>
  <td data-of="Target">${foreign(lane.target, 120)}<br><small>${agentLink(lane.agentId)}${lane.workflow.url === null ? nothing : html` · <a href="${lane.workflow.url}">in Temporal<span class="sr">: ${foreign(lane.connector)} ${foreign(lane.target, 120)}</span></a>`}</small></td>
  <td data-of="State"><span class="chip ${tone}">${words}</span></td>
  <td data-of="After the latch"><span>${timesOf(lane)}</span></td>
  <td data-of="Steps">${lane.attempts}</td>
  <td data-of="Last error"><span>${lastWord(lane, now)}</span></td>
  <td data-of="Age">${age(lane.openedAt, now)}</td></tr>`;
}

/** Where a person is waited for nothing failed, and nothing is tried before their word. */
function lastWord(lane: Obligation, now: number): Markup {
  const phase = waitingPhaseOf(lane);
  if (phase !== undefined) return html`none: ${phase} goes on within 10 s of a person's word`;
  const next =
    lane.nextTryAt === null || lane.final ? nothing : html`<br><small>${nextTry(lane.nextTryAt, now)}</small>`;
  return html`${lane.lastError === null ? (lane.evidence ?? '–') : foreign(lane.lastError, 300)}${next}`;
}

/** What was seen, and when: that it was dead is known from a probe, which a playbook that waits for a person can put off for long. */
const timesOf = ({ revokedAfterMs, provedAfterMs }: Obligation): Markup => {
  if (revokedAfterMs === null && provedAfterMs === null) return html`not cut yet`;
  const cut = revokedAfterMs === null ? nothing : html`cut off ${span(revokedAfterMs)}<br>`;
  return html`${cut}${provedAfterMs === null ? 'not seen dead yet' : html`seen dead ${span(provedAfterMs)}`}`;
};

/** `proved` only once the last probe of the whole stop has passed; before that it is proved so far. */
function stateOf(lane: Obligation): { readonly words: string; readonly tone: string } {
  if (waitingPhaseOf(lane) !== undefined) return { words: 'waits for a person', tone: 'warn' };
  if (lane.needsHuman !== null && !lane.final) return { words: 'needs a person', tone: 'bad' };
  switch (lane.state) {
    case 'open':
      return { words: lane.revokedAt === null ? `open: ${lane.phase ?? 'waiting'}` : 'cut, not proved', tone: 'warn' };
    case 'residual':
      return { words: 'alive until its end', tone: 'warn' };
    case 'accepted-risk':
      return { words: `risk accepted by ${lane.acceptedBy ?? '?'}`, tone: 'warn' };
    case 'proved':
    case 'expired':
      return lane.final
        ? { words: lane.state, tone: 'good' }
        : { words: `${lane.state}, last probe to come`, tone: '' };
  }
}
