import { html } from 'hono/html';
import type { StopPage } from '../../contract/http/stops.ts';
import { listStops } from '../routes/list-stops.ts';
import { type Markup, nothing } from './markup.ts';
import { stopSummaryCard } from './stop-card.ts';
import type { ConsolePage } from './view.ts';

export const stopsPage: ConsolePage = {
  path: '/stops',
  show: async (visit) => {
    const cursor = visit.query('cursor');
    const page = await visit.ask<StopPage>(listStops, { query: { cursor, limit: '30' } });
    const [inForce, past] = [page.items.filter((stop) => stop.inForce), page.items.filter((stop) => !stop.inForce)];
    return {
      title: 'Stops',
      place: 'stops',
      watch: ['stop'],
      againAfterSeconds: 15,
      body: html`<h1>Stops</h1>
<div id="stops" data-live class="stack">
  ${page.items.length === 0 ? none() : nothing}
  ${inForce.length === 0 ? nothing : html`<h2>In force</h2><ul class="cards">${inForce.map((stop) => html`<li>${stopSummaryCard(stop, visit.now)}</li>`)}</ul>`}
  ${past.length === 0 ? nothing : html`<h2>Reset</h2><ul class="cards">${past.map((stop) => html`<li>${stopSummaryCard(stop, visit.now)}</li>`)}</ul>`}
  ${page.next === null ? nothing : html`<p><a class="button" href="/stops?cursor=${page.next}">Older</a></p>`}
</div>`,
    };
  },
};

const none = (): Markup => html`<div class="card empty"><h2>Nothing was ever stopped here</h2>
  <p>Try it while nothing is on fire: stop a task that does not matter, and watch what is proved.</p>
  <p><a href="/stop">Choose what to stop</a></p></div>`;
