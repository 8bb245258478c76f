import { html } from 'hono/html';
import type { StopTimeline } from '../../contract/http/stop-notes.ts';
import type { ResetResult, StopView } from '../../contract/http/stops.ts';
import { plural } from '../../contract/plural.ts';
import { EstopError } from '../../core/errors.ts';
import { getStop } from '../routes/get-stop.ts';
import { noteStop } from '../routes/note-stop.ts';
import { resetStop } from '../routes/reset-stop.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { offer, standingOf } from './offer.ts';
import { onceField, onceIn } from './once.ts';
import { type ConsoleForm, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock } from './when.ts';

/** A reason belongs to a stop, and must never hold one up: it can be added whenever somebody has a hand free. */
export function noteOnStop(visit: Visit, stop: StopView): Markup {
  return offer(
    visit,
    noteForm,
    { to: `/stops/${stop.stopId}/note`, look: 'inline' },
    html`<label class="field">${stop.reason === '' ? 'Add the reason' : 'Add a note'}<input type="text" name="text" required maxlength="500" autocomplete="off"></label>
    <button>Add</button>`,
  );
}

/** Deliberate on purpose: what is unlatched is typed, and why. It starts nothing. */
export function resetSection(visit: Visit, stop: StopView, timeline: StopTimeline): Markup {
  const state = stop.reset !== null ? 'reset' : standingOf(visit, resetForm);
  return html`<div id="stop-reset" data-live="${state}">${resetCard(visit, stop, timeline)}</div>`;
}

function resetCard(visit: Visit, stop: StopView, timeline: StopTimeline): Markup {
  if (stop.reset !== null)
    return html`<section class="note good"><h2>Reset</h2><p>${clock(stop.reset.at, visit.now)} by ${foreign(stop.reset.by, 120)}: “${foreign(stop.reset.reason, 500)}”. Nothing restarted by it.</p>${others(stop)}</section>`;
  return offer(
    visit,
    resetForm,
    {
      to: `/stops/${stop.stopId}/reset`,
      look: 'stack',
      around: (form) => html`<section class="card"><h2 id="reset">Reset</h2>
    <p>Unlatches this stop and restarts nothing: what was stopped stays stopped, and old credentials stay dead.</p>
    <div id="stop-reset-now" data-live class="stack">${resetWarnings(stop, timeline)}</div>${form}</section>`,
      otherwise: html`<section class="card"><h2>Reset</h2><p>It stays latched until an operator resets it. You may not.</p></section>`,
    },
    html`${onceField()}
      <label class="field">Why it is safe again<textarea name="reason" required maxlength="500" rows="2"></textarea></label>
      <label class="field"><span>Type <span class="mono">${stop.scopeKey}</span> to confirm</span><input type="text" name="typed" required autocapitalize="none" autocomplete="off" spellcheck="false" maxlength="256"></label>
      <p><button>Reset this stop</button></p>`,
  );
}

/** Without this one they keep stopped what it covers. */
function others({ alsoStoppedBy }: StopView): Markup {
  if (alsoStoppedBy === null)
    return html`<p>Whether other stops cover the same is <strong>not known</strong> just now: see <a href="/stops">what is in force</a>.</p>`;
  if (alsoStoppedBy.length === 0) return nothing;
  const links = alsoStoppedBy.map(
    ({ stopId, scopeKey }) => html`<li><a href="/stops/${stopId}" class="mono">${foreign(scopeKey, 120)}</a></li>`,
  );
  return html`<p>Also stopped by ${plural(alsoStoppedBy.length, 'other stop')}, over all that this one covers:</p><ul>${links}</ul>`;
}

/** What stands against it as of now; beside the form, because that belongs to whoever writes in it. */
function resetWarnings(stop: StopView, { resetAskedBy }: StopTimeline): readonly Markup[] {
  const isFenced = stop.stages.some(({ stage, at }) => stage === 'fenced' && at !== null);
  return [
    ...(isFenced ? [] : [html`<p class="note warn">Not fenced yet: a reset is refused until it is.</p>`]),
    ...(stop.reached === 'proved'
      ? []
      : [html`<p class="note warn">Not proved yet. The work on it goes on after a reset.</p>`]),
    ...(stop.alsoStoppedBy?.length === 0 ? [] : [html`<div class="note warn">${others(stop)}</div>`]),
    ...(stop.scopeKey === 'fleet'
      ? [
          html`<p>The fleet needs two people within 15 minutes${resetAskedBy.length === 0 ? '' : html`; asked so far: ${foreign(resetAskedBy.join(', '), 300)}`}.</p>`,
        ]
      : []),
  ];
}

export const resetForm: ConsoleForm = {
  path: '/stops/:id/reset',
  asks: [resetStop],
  take: async (visit, fields, parameter) => {
    const path = { id: parameter('id') };
    const typed = field(fields, 'typed');
    const stop = await visit.ask<StopView>(getStop, { path });
    // A refusal by permission comes first, from the endpoint: who may not learns nothing by typing well.
    if (visit.may('stop:reset') && typed !== stop.scopeKey)
      throw new EstopError('invalid-input', {
        fields: [{ pointer: 'typed', message: `Type ${stop.scopeKey}, to say that it is this one.` }],
      });
    const result = await visit.ask<ResetResult>(resetStop, {
      path,
      body: { reason: field(fields, 'reason').replaceAll(/\s+/g, ' ') },
      once: onceIn(fields),
    });
    return `/stops/${result.stopId}`;
  },
};

export const noteForm: ConsoleForm = {
  path: '/stops/:id/note',
  asks: [noteStop],
  take: async (visit, fields, parameter) => {
    const path = { id: parameter('id') };
    await visit.ask(noteStop, { path, body: { text: field(fields, 'text') } });
    return `/stops/${encodeURIComponent(path.id)}`;
  },
};
