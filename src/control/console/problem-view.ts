import { randomBytes } from 'node:crypto';
import { html } from 'hono/html';
import { mayBeDone } from '../../contract/may-be-done.ts';
import { problemOf } from '../../contract/problem.ts';
import { type ErrorCode, errorCodeOf } from '../../core/errors.ts';
import { formatId, isId } from '../../core/ids.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { outOfBand } from './out-of-band.ts';
import type { View } from './view.ts';
import type { Visit } from './visit.ts';

const againAfterSeconds = 5;

/** Of a page that was only looked at: what passes is waited for, by the page itself. */
export function problemOfPage(visit: Visit, thrown: unknown): View {
  const view = problemView(visit, thrown);
  if (view.status !== 503) return view;
  const stopId = /^\/stops\/([^/]+)$/.exec(visit.path)?.[1] ?? '';
  return {
    ...view,
    againAfterSeconds,
    body: html`${isId('stop', visit.deps.environment, stopId) ? ofThisStop() : nothing}${view.body}<p class="lead" data-away>It looks again by itself.</p>`,
  };
}

/** Of a form that was sent. What was refused was not done; of what found nobody to answer that is not known. */
export function problemOfForm(visit: Visit, thrown: unknown): View {
  const view = problemView(visit, thrown);
  // Of whom nobody could say who it is nothing was done.
  if (visit.caller.isFromMemory === true) return { ...view, body: html`${nothingIsDone(visit)}${view.body}` };
  if (!mayBeDone(errorCodeOf(thrown))) return view;
  return { ...view, body: html`${itMayBeDone()}${view.body}` };
}

/** With the way back to what it was about, where one page is: what was written is gone with this one. */
function nothingIsDone({ path }: Visit): Markup {
  const [back] = /^\/(?:stops|approvals|agents|tasks)\/[^/]+(?=\/)/.exec(path) ?? [];
  return html`<p class="note warn"><strong>Nothing was done.</strong> Send it again once the store can be read${back === undefined ? nothing : html`, from <a href="${back}">the page that it belongs to</a>`}.</p>`;
}

const itMayBeDone = (): Markup =>
  html`<p class="note warn"><strong>It may have been done all the same.</strong> Look whether it was before you send it again; a reset, a hold and a decision that are sent again from the same page are done once.</p>`;

/** Whoever has just ordered it must not take a page that cannot be read for an order that was lost. */
const ofThisStop = (): Markup =>
  html`<p class="note warn"><strong>How far this stop is cannot be read just now.</strong> Nothing of it is undone by that. If the order was accepted, it is written down in Temporal, and is latched as soon as the store can be reached.</p>`;

/** An error as a page: what it means, what was wrong with what was sent, and under which id the log has the rest. */
export function problemView(visit: Visit, thrown: unknown): View {
  const requestId = formatId('req', visit.deps.environment, randomBytes(16));
  const problem = problemOf(thrown, requestId);
  if (problem.status >= 500)
    visit.deps.log.error(
      {
        event: 'page.failed',
        requestId,
        code: problem.code,
        cause: thrown instanceof Error ? thrown.stack : String(thrown),
      },
      'a page could not be shown',
    );
  return {
    title: problem.title,
    status: problem.status as NonNullable<View['status']>, // the catalogue has no other
    body: html`<div class="stack">
      <h1>${problem.title}</h1>
      ${problem.detail === undefined ? nothing : html`<p>${foreign(problem.detail)}</p>`}
      ${(problem.errors ?? []).map(({ pointer, message }) => html`<p class="note warn"><code>${foreign(pointer)}</code> ${foreign(message)}</p>`)}
      ${meanwhile[problem.code]?.() ?? nothing}
      <p><a href="/errors/${problem.code}">What this error means</a> · <a href="/">Now</a></p>
      <p class="dim"><small>${problem.code} · ${problem.requestId}</small></p>
    </div>`,
  };
}

/** What can be done, and what not, while a part is away. */
const meanwhile: Partial<Record<ErrorCode, () => Markup>> = {
  'store-unavailable': () => html`<div class="note warn">
  <p>What runs cannot be read. <strong>A stop can still be ordered</strong>, here or from a terminal:</p>
  ${outOfBand('fleet')}
</div>`,
  'temporal-unavailable': () =>
    html`<p class="note warn">What stands in the ledger is shown on every other page. <strong>A stop can still be ordered</strong>: it latches, and gateways obey it; nothing is halted or cut off until Temporal is back.</p>`,
};
