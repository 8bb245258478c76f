import { randomBytes } from 'node:crypto';
import { html } from 'hono/html';
import { problemOf } from '../../contract/problem.ts';
import { formatId } from '../../core/ids.ts';
import { foreign, nothing } from './markup.ts';
import { outOfBand } from './out-of-band.ts';
import type { View } from './view.ts';
import type { Visit } from './visit.ts';

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
      ${problem.status === 503 ? storeIsAway() : nothing}
      <p><a href="/errors/${problem.code}">What this error means</a> · <a href="/">Now</a></p>
      <p class="dim"><small>${problem.code} · ${problem.requestId}</small></p>
    </div>`,
  };
}

const storeIsAway = () => html`<div class="note warn">
  <p>What runs cannot be read. <strong>A stop can still be ordered</strong>, here or from a terminal:</p>
  <code class="command">${outOfBand('fleet')}</code>
</div>`;
