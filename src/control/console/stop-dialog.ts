import { randomBytes } from 'node:crypto';
import { html } from 'hono/html';
import { formatId } from '../../core/ids.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { outOfBand } from './out-of-band.ts';
import { mayStop, type Visit } from './visit.ts';

/** Made with the form: pressed twice, sent twice or sent again, it is the same stop. */
export const newStopId = (visit: Visit): string => formatId('stop', visit.deps.environment, randomBytes(16));

/** The Stop of the header: a link to a page, which a script turns into the dialog. One who may not stop gets neither. */
export function stopButton(visit: Visit, scope: string | undefined): Markup {
  if (!mayStop(visit)) return html`<span class="button stop off">View only</span>`;
  const to = scope === undefined ? '/stop' : `/stop?scope=${encodeURIComponent(scope)}`;
  return html`<a class="button stop" href="${to}" data-stop="${scope ?? 'fleet'}" aria-keyshortcuts="Control+Shift+K Meta+Shift+K">Stop</a>`;
}

/** The Stop of a row. */
export function stopLink(visit: Visit, scope: string, label: string): Markup {
  if (!mayStop(visit)) return nothing;
  return html`<a class="button stop line" href="/stop?scope=${encodeURIComponent(scope)}" data-stop="${scope}">Stop<span class="sr"> ${label}</span></a>`;
}

/** In every page of whoever may stop, so that asking for it needs no network. What it covers is asked for, and waited for by nobody. */
export function stopDialog(visit: Visit, scope: string | undefined): Markup {
  if (!mayStop(visit)) return nothing;
  return html`<dialog id="stop-dialog" aria-labelledby="stop-title">
    <form method="post" action="/stop" class="stack" data-stop-form>
      <h2 id="stop-title">Stop what?</h2>
      <input type="hidden" name="stopId" value="${newStopId(visit)}">
      <fieldset>
        <legend class="sr">Scope</legend>
        <label class="choice" data-context ${scope === undefined || scope === 'fleet' ? html`hidden` : ''}>
          <input type="radio" name="scope" value="${scope ?? 'fleet'}" ${scope === undefined || scope === 'fleet' ? '' : html`checked`}><span>${scope === undefined ? '' : foreign(scopeWords(scope))}</span></label>
        <label class="choice"><input type="radio" name="scope" value="fleet" ${scope === undefined || scope === 'fleet' ? html`checked` : ''}><span>Everything <small>the whole fleet</small></span></label>
      </fieldset>
      <button class="stop big" data-confirm>Stop now</button>
      <p class="dim" data-preview role="status"></p>
      <div data-cut-off hidden class="note bad"><p><strong data-cut-off-why>Not connected.</strong> From any terminal that reaches the store:</p>
        ${outOfBand(scope ?? 'fleet')}</div>
      <details><summary>Reason, grace</summary>
        <div class="stack">
          <label class="field">Reason <small>can be added afterwards</small><input type="text" name="reason" maxlength="500" autocomplete="off"></label>
          ${categoryChoice()}
        </div>
      </details>
      <p class="row between"><a class="button quiet" href="/stop">Something else…</a><button type="button" class="quiet" data-close>Not now</button></p>
    </form>
  </dialog>`;
}

export const categoryChoice = (): Markup => html`<label class="field">How
  <select name="category">
    <option value="0">At once</option>
    <option value="1">With a grace of 3 s to wind down; no calls in it</option>
  </select></label>`;
