import { html } from 'hono/html';
import type { StopView } from '../../contract/http/stops.ts';
import { type Markup, nothing } from './markup.ts';
import { isTemporalThere } from './temporal-look.ts';
import type { Visit } from './visit.ts';

/** By then a stop that nothing keeps is further; before, nobody needs to be told why it is not. */
const soonMs = 5_000;

/** Why a stop stands still, where control can tell: the ledger alone would show stages that never come. */
export async function standstill({ deps, now }: Visit, stop: StopView): Promise<Markup> {
  const has = (wanted: StopView['reached']): boolean =>
    stop.stages.some(({ stage, at }) => stage === wanted && at !== null);
  const age = now - Date.parse(stop.stages[0]?.at ?? '') - stop.graceMs;
  if (has('proved') || !(age > soonMs)) return nothing;
  if ((await isTemporalThere(deps.workflows)) !== false) return nothing;
  return html`<section class="note bad" aria-labelledby="still"><h2 id="still">Temporal does not answer control</h2>
    <p>${has('fenced') ? 'Fenced it stays: no gateway lets a covered call through.' : 'It is latched; whether it is fenced was not seen.'} But tasks are closed and credentials are cut off through Temporal, so <strong>what is not reached above does not come</strong> until it answers. Then the work goes on by itself.</p>
    <p>What to do: call whoever keeps Temporal. Which parts are away, from a terminal: <code>estop doctor</code></p></section>`;
}
