import { html } from 'hono/html';
import type { Running } from '../../contract/http/running.ts';
import { EstopError, errorCodeOf } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import { parseScopeKey } from '../../core/scope-key.ts';
import { scopeWords } from '../../core/scope-words.ts';
import { listRunning } from '../routes/list-running.ts';
import { type ConsoleOrder, handToStopProcess } from '../stop-door.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import { outOfBand } from './out-of-band.ts';
import { categoryChoice, newStopId } from './stop-dialog.ts';
import { countWords, previewInTime, previewWords } from './stop-preview.ts';
import { type ConsoleForm, type ConsolePage, field, type View } from './view.ts';
import { mayStop, type Visit } from './visit.ts';

/** Without a scope: what to stop. With one: the one confirmation. Both are pages, so that neither needs a script. */
export const stopFormPage: ConsolePage = {
  path: '/stop',
  show: async (visit) => {
    const scope = visit.query('scope');
    if (!mayStop(visit)) return refused(visit, scope);
    if (scope === undefined || scope === '') return chooseScope(visit);
    if (parseScopeKey(scope) === undefined) return chooseScope(visit, scope);
    return confirmStop(visit, scope);
  },
};

async function confirmStop(visit: Visit, scope: string, stopId = newStopId(visit)): Promise<View> {
  const preview = await previewInTime(visit, scope);
  // A fleet stop is confirmed by a button that names the count; where it is not known, that is what it says.
  const counted = scope !== 'fleet' ? '' : preview?.known === true ? ` · ${countWords(preview)}` : ' · count not known';
  return {
    title: `Stop ${scopeWords(scope)}?`,
    scope,
    body: html`<div class="stack">
      <h1>Stop ${foreign(scopeWords(scope))}?</h1>
      <form method="post" action="/stop" class="card stack">
        <input type="hidden" name="scope" value="${scope}">
        <input type="hidden" name="stopId" value="${stopId}">
        <button class="stop big"><span>Stop ${foreign(scopeWords(scope))} now${counted}</span></button>
        <p>${previewWords(preview)}</p>
        <details><summary>Reason, grace</summary>
          <div class="stack">
            <label class="field">Reason <small>can be added afterwards</small><input type="text" name="reason" maxlength="500" autocomplete="off"></label>
            ${categoryChoice()}
          </div>
        </details>
      </form>
      <p><a href="/stop">Stop something else</a> · <a href="/">Not now</a></p>
      <p class="dim">It latches at once and stays latched until a person resets it. Nothing restarts by itself.</p>
    </div>`,
  };
}

async function chooseScope(visit: Visit, wrong?: string): Promise<View> {
  const running = await visit.ask<Running>(listRunning, { query: { limit: '30' } }).catch(() => undefined);
  return {
    title: 'Stop what?',
    ...(wrong === undefined ? {} : { status: 422 as const }),
    body: html`<div class="stack">
      <h1>Stop what?</h1>
      ${wrong === undefined ? nothing : html`<p class="note bad">${foreign(wrong, 80)} is not a scope.</p>`}
      <p><a class="button stop big" href="/stop?scope=fleet">Everything…</a></p>
      <form method="get" action="/stop" class="card stack">
        <label class="field">Any scope
          <input type="text" name="scope" required maxlength="256" placeholder="agent:billing-bot" autocapitalize="none" autocomplete="off" spellcheck="false"></label>
        <p class="dim"><small>agent:A, task:T, tool:server/name, connector:C, model:M, label:name=value or fleet</small></p>
        <p><button>Go on</button></p>
      </form>
      ${running === undefined ? html`<p class="note warn">What runs cannot be read just now. A stop can be ordered all the same.</p>` : runningChoices(running)}
    </div>`,
  };
}

const runningChoices = (running: Running): Markup => html`
  ${running.labels.length === 0 ? nothing : html`<h2>By label</h2><p class="row">${running.labels.map((label) => html`<a class="button stop line" href="/stop?scope=${encodeURIComponent(`label:${label}`)}"><span>${foreign(label, 160)}…</span></a>`)}</p>`}
  ${running.items.length === 0 ? nothing : html`<h2>By agent</h2><p class="row">${running.items.map(({ agentId }) => html`<a class="button stop line" href="/stop?scope=${encodeURIComponent(`agent:${agentId}`)}">${agentId}…</a>`)}</p>`}`;

/** Who may stop something, and not this, or not yet: in the words of the stop process, which alone knows why. */
const refusedThis = (scope: string, thrown: unknown): View => ({
  title: 'Not stopped',
  status: 403,
  body: html`<div class="stack"><h1>Not stopped</h1>
    <div class="note bad"><p><strong>You may not stop ${foreign(scopeWords(scope))}.</strong></p>${thrown instanceof EstopError && thrown.detail !== undefined ? html`<p>${foreign(thrown.detail, 600)}</p>` : nothing}</div>
    <p><a href="/stop">Stop something else</a> · <a href="/agents">Agents, and who may stop them</a></p></div>`,
});

/** Nobody is left here without somebody to call; whom estop.yaml lets take a role themselves is asked where it is taken. */
function refused(visit: Visit, scope = ''): View {
  const agentId = /^agent:(.+)$/.exec(scope)?.[1];
  const ways = [
    agentId === undefined
      ? html`<a href="/agents">Agents, and who may stop them</a>`
      : html`<a href="/agents/${encodeURIComponent(agentId)}">${foreign(agentId, 120)}, and who may stop it</a>`,
    ...(visit.deps.config.current().signIn?.breakGlass === undefined
      ? []
      : [html` · <a href="/people#break-glass">Break glass: take a role for a while</a>`]),
  ];
  return {
    title: 'You may look, and not stop',
    status: 403,
    body: html`<div class="stack"><h1>You may look, and not stop</h1>
    <p>A stop needs the role operator or admin. Call the stop-holder of the agent: its name stands on the agent's page.</p>
    <p>${ways}</p></div>`,
  };
}

export const stopForm: ConsoleForm = {
  path: '/stop',
  // The stop process judges it, with any role: nothing of it is asked here.
  asks: [],
  take: async (visit, fields, _parameter, context) => {
    const scope = field(fields, 'scope');
    const given = field(fields, 'stopId');
    if (parseScopeKey(scope) === undefined) return chooseScope(visit, scope);
    const stopId = isId('stop', visit.deps.environment, given) ? given : newStopId(visit);
    const order = {
      method: 'console',
      stopId,
      scopeKey: scope,
      category: field(fields, 'category') === '1' ? (1 as const) : (0 as const),
      reason: field(fields, 'reason').slice(0, 500),
    } as const;
    try {
      const receipt = await handToStopProcess(visit.deps.stopUrl, order, shownBy(context.req.raw));
      return receipt.state === 'latched' ? `/stops/${stopId}` : acceptedOnly(order);
    } catch (thrown) {
      const code = errorCodeOf(thrown);
      // The stop process has counted it, for this scope and by this way: it is in the audit once.
      // Of a sign-in that may only look it knows nothing while the store is away; whether it is one, we know.
      if (!mayStop(visit) && (code === 'forbidden' || code === 'unauthenticated')) return refused(visit, scope);
      if (code === 'forbidden') return refusedThis(scope, thrown);
      return notStopped(visit, { ...order, stopId: code === 'conflict' ? newStopId(visit) : stopId }, thrown);
    }
  },
};

/** What this person showed us, passed on as it came. */
function shownBy(request: Request): Record<string, string> {
  const names = ['authorization', 'cookie'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}

/** Durable, and not yet in force as far as anybody knows: said so, and nothing more. */
const acceptedOnly = ({ scopeKey: scope, stopId, category }: ConsoleOrder): View => ({
  title: 'Accepted, not yet latched',
  status: 202,
  scope,
  body: html`<div class="stack">
    <h1>Accepted, not yet latched</h1>
    <div class="note warn"><p>The store did not answer in time. The order to stop <strong>${foreign(scopeWords(scope))}</strong> is written down in Temporal, and is latched as soon as the store can be reached. Gateways without the store admit nothing once their lease of 3 s is over.</p></div>
    <p><a class="button" href="/stops/${stopId}">Look whether it is latched</a></p>
    <p>Until then, from any terminal that reaches the store:</p>
    ${outOfBand(scope, { stopId, category })}
    <p class="dim mono"><small>${stopId}</small></p>
  </div>`,
});

/** What is sent again is the same order in every part: under its id another category would be another stop, and refused. */
function notStopped(visit: Visit, order: ConsoleOrder, thrown: unknown): View {
  const { scopeKey: scope, stopId, category, reason } = order;
  const error = thrown instanceof EstopError ? thrown : undefined; // of this very process: only for its words
  return {
    title: 'Not stopped',
    status: 503,
    scope,
    body: html`<div class="stack">
      <h1>Not stopped</h1>
      <div class="note bad"><p><strong>Nothing says that ${foreign(scopeWords(scope))} is stopped.</strong></p>
        <p>${foreign(error?.detail ?? 'The order was not acknowledged.', 600)}</p></div>
      <form method="post" action="/stop" class="stack">
        <input type="hidden" name="scope" value="${scope}"><input type="hidden" name="stopId" value="${stopId}">
        <input type="hidden" name="category" value="${category}"><input type="hidden" name="reason" value="${reason}">
        <button class="stop big">Send it again</button>
      </form>
      <p>Or from any terminal that reaches the store:</p>
      ${outOfBand(scope, { stopId, category })}
      <p class="dim"><small>${errorCodeOf(thrown)} · ${visit.deps.environment}</small></p>
    </div>`,
  };
}
