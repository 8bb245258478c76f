import { setTimeout as pause } from 'node:timers/promises';
import { html } from 'hono/html';
import type { StopPreview } from '../../contract/http/stops.ts';
import { plural } from '../../contract/plural.ts';
import { parseScopeKey } from '../../core/scope-key.ts';
import { previewStop } from '../routes/preview-stop.ts';
import { agentWords } from './agent-link.ts';
import { foreign, type Markup } from './markup.ts';
import type { Visit } from './visit.ts';

/** So long a page waits for what it can show without; the count may come later, the button is there at once. */
const pageWaitsMs = 120;

/** Undefined: not counted in that time. */
export async function previewInTime(visit: Visit, scopeKey: string): Promise<StopPreview | undefined> {
  const enough = new AbortController();
  const counted = visit
    .ask<StopPreview>(previewStop, { body: { scopeKey } })
    .catch(() => undefined)
    .finally(() => enough.abort());
  const late = pause(pageWaitsMs, undefined, { signal: enough.signal }).catch(() => undefined);
  return Promise.race([counted, late]);
}

/** For the script, which waits apart from the button. Its first line goes onto the button. */
export async function previewFragment(visit: Visit, scopeKey: string): Promise<Markup> {
  if (parseScopeKey(scopeKey) === undefined) return html`<span></span>`;
  const preview = await visit.ask<StopPreview>(previewStop, { body: { scopeKey } }).catch(() => undefined);
  return previewWords(preview);
}

export function previewWords(preview: StopPreview | undefined): Markup {
  if (preview === undefined || !preview.known)
    return html`<span data-count="">What it covers could not be counted. The stop does not wait for that.</span>`;
  const examples = preview.examples
    .slice(0, 3)
    .map(({ agentId, taskId }) => `${agentWords(agentId)} …${taskId.slice(-6)}`);
  return html`<span data-count="${countWords(preview)}">Covers ${countWords(preview)}, ${plural(preview.callsInFlight ?? 0, 'call')} in flight, ${plural(preview.credentials ?? 0, 'live credential')}.</span>
  ${examples.length === 0 ? '' : html`<br><small>For example ${foreign(examples.join(', '))}.</small>`}`;
}

export function countWords({ tasks, agents }: StopPreview): string {
  if (tasks === 0) return 'no open task';
  // A drill is a task of no agent.
  if (agents === 0) return plural(tasks ?? 0, 'open task');
  return `${plural(tasks ?? 0, 'open task')} of ${plural(agents ?? 0, 'agent')}`;
}
