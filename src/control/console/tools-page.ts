import { html } from 'hono/html';
import type { ToolPin, ToolPinPage } from '../../contract/http/tools.ts';
import { plural } from '../../contract/plural.ts';
import { listTools } from '../routes/list-tools.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import type { ConsolePage } from './view.ts';
import { relative } from './when.ts';

/** One row a tool: what may be called is the accepted definition; while there is a changed one, nothing of it is called. A refused one is the past. */
export const toolsPage: ConsolePage = {
  path: '/tools',
  show: async (visit) => {
    const { items } = await visit.ask<ToolPinPage>(listTools);
    const byTool = new Map<string, ToolPin[]>();
    for (const pin of items) byTool.set(pin.tool, [...(byTool.get(pin.tool) ?? []), pin]);
    const tools = [...byTool.values()].flatMap((pins) => {
      const newest = pins.find(({ state }) => state === 'changed') ?? pins.find(({ state }) => state === 'accepted');
      return newest === undefined ? [] : [newest];
    });
    const waiting = tools.filter(({ state }) => state !== 'accepted');
    const rest = tools.filter(({ state }) => state === 'accepted');
    return {
      title: 'Tools',
      place: 'tools',
      body: html`<h1>Tools</h1>
${tools.length === 0 ? none() : nothing}
${waiting.length === 0 ? nothing : html`<section class="stack"><h2>${plural(waiting.length, 'tool')} to look at</h2><p class="lead">Their server shows another definition than the accepted one, or a name that could be taken for another. No gateway calls them meanwhile.</p><ul class="cards">${waiting.map((pin) => html`<li class="note bad row between"><strong><a href="/tools/${encodeURI(pin.tool)}">${foreign(pin.tool, 120)}</a></strong><span class="chip bad">${pin.state}${pin.resembles === null ? '' : html`, resembles ${foreign(pin.resembles, 80)}`}</span></li>`)}</ul></section>`}
${rest.length === 0 ? nothing : html`<div class="scroll" tabindex="0" role="region" aria-label="Accepted tools"><table class="fold"><thead><tr><th scope="col">Tool</th><th scope="col">Tier</th><th scope="col">Why</th><th scope="col">Last seen</th><th scope="col">Accepted</th></tr></thead><tbody>${rest.map((pin) => row(pin, visit.now))}</tbody></table></div>`}`,
    };
  },
};

const row = (
  pin: ToolPin,
  now: number,
): Markup => html`<tr><th scope="row" data-of="Tool"><a href="/tools/${encodeURI(pin.tool)}">${foreign(pin.tool, 120)}</a></th>
<td data-of="Tier">${tierChip(pin)}</td><td data-of="Why"><small>${pin.decidedTier === null ? html`proposed: ${foreign(pin.because, 120)}` : 'estop.yaml decides'}</small></td>
<td data-of="Last seen">${relative(pin.lastSeenAt, now)}</td><td data-of="Accepted"><small>${pin.acceptedBy === 'first-sight' ? 'at first sight' : foreign(pin.acceptedBy ?? '–', 80)}</small></td></tr>`;

export const tierChip = (pin: ToolPin): Markup => chipOfTier(pin.decidedTier ?? pin.proposedTier);

/** What is not known to be less is of the highest risk. */
export function chipOfTier(tier: ToolPin['proposedTier'] | 'unknown'): Markup {
  const isMild = tier === 'read' || tier === 'fetch';
  return html`<span class="chip ${isMild ? '' : tier === 'write' ? 'warn' : 'bad'}">${tier}</span>`;
}

const none = (): Markup =>
  html`<div class="card empty"><h2>No tool was ever listed</h2><p>Name a server in estop.yaml, under <code>tools</code>. Its tools stand here once a gateway has asked it.</p></div>`;
