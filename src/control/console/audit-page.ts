import { html } from 'hono/html';
import { changeLines, detailLines } from '../../contract/audit-words.ts';
import type { AuditEvent, AuditPage } from '../../contract/http/audit.ts';
import { listAudit } from '../routes/list-audit.ts';
import { idLink } from './id-link.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import type { ConsolePage } from './view.ts';
import type { Visit } from './visit.ts';
import { clock } from './when.ts';

const names = ['kind', 'actor', 'subject', 'since', 'until'] as const;

export const auditPage: ConsolePage = {
  path: '/audit',
  show: async (visit) => {
    const given = Object.fromEntries(names.map((name) => [name, visit.query(name)]));
    const query = { ...given, since: instantOf(given['since']), until: instantOf(given['until']) };
    const page = await visit.ask<AuditPage>(listAudit, {
      query: { ...query, cursor: visit.query('cursor'), limit: '100' },
    });
    const asked = new URLSearchParams(
      Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1])),
    );
    const next = new URLSearchParams([...asked, ['cursor', page.next ?? '']]);
    const form = (name: (typeof names)[number], words: string, hint: string): Markup =>
      html`<label class="field">${words}<input type="text" name="${name}" value="${given[name] ?? ''}" maxlength="400" placeholder="${hint}" autocapitalize="none" spellcheck="false"></label>`;
    return {
      title: 'Audit',
      place: 'audit',
      body: html`<h1>Audit</h1>
<form method="get" action="/audit" class="card audit-filters">${form('kind', 'Kind', 'stop. or request.denied')}${form('actor', 'Who', 'olga')}${form('subject', 'What', 'an id')}${form('since', 'Since', '2026-11-21 03:00')}${form('until', 'Until', '')}<button>Show</button></form>
<p class="row"><a class="button" href="/audit/export?${new URLSearchParams([...asked, ['format', 'csv']]).toString()}">As CSV</a><a class="button" href="/audit/export?${new URLSearchParams([...asked, ['format', 'jsonl']]).toString()}">As JSON lines</a><small>all that match, newest first</small></p>
${page.items.length === 0 ? none(asked.size > 0) : list(visit, page.items)}
${page.next === null ? nothing : html`<p><a class="button" href="/audit?${next.toString()}">Older</a></p>`}`,
    };
  },
};

/** `2026-11-21 03:00` is UTC, as every time that this console shows. What is neither is left for the endpoint to refuse. */
function instantOf(text: string | undefined): string | undefined {
  const short = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?)?$/.exec(text?.trim() ?? '');
  return short === null ? text : `${short[1]}T${short[2] ?? '00:00'}${short[3] ?? ':00'}Z`;
}

const list = (
  visit: Visit,
  events: readonly AuditEvent[],
): Markup => html`<div class="scroll" tabindex="0" role="region" aria-label="Audit"><table class="fold">
<thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">Who, how</th><th scope="col">To what</th><th scope="col">Why</th><th scope="col">Before → after</th></tr></thead>
<tbody>${events.map(
  (
    event,
  ) => html`<tr><td data-of="When">${clock(event.at, visit.now)}</td><th scope="row" data-of="What"><span class="${isLoud(event.kind) ? 'chip bad' : ''}">${foreign(event.kind, 80)}</span></th>
<td data-of="Who, how"><span>${foreign(event.actor, 100)}<br><small>${foreign(event.method, 40)}</small></span></td><td data-of="To what" class="mono">${idLink(event.subject)}</td>
<td data-of="Why">${event.reason === null ? html`<small class="dim">-</small>` : html`<span>${foreign(event.reason, 300)}</span>`}</td><td data-of="Before → after"><span>${lines(event)}</span></td></tr>`,
)}</tbody></table></div>`;

const isLoud = (kind: string): boolean => /denied|refused|flood|tripped|latched|lost/.test(kind);

/** What changed first, then what else is said of it. */
const lines = ({ kind, before, after, detail }: AuditEvent): readonly Markup[] => [
  ...(/denied|refused/.test(kind) && before === null && after === null ? [html`nothing changed<br>`] : []),
  ...changeLines(before, after).map((line) => html`${foreign(line, 300)}<br>`),
  ...detailLines(detail).map((line) => html`<small>${foreign(line, 300)}</small><br>`),
];

const none = (isFiltered: boolean): Markup =>
  isFiltered
    ? html`<div class="card empty"><h2>Nothing matches</h2><p><a href="/audit">The whole audit</a></p></div>`
    : html`<div class="card empty"><h2>Nothing has been done yet</h2><p>Whatever anybody does, or is refused, stands here from then on, with who and when.</p></div>`;
