import { html } from 'hono/html';
import type { Delivery, Notice, NoticePage, TestNoticeResult } from '../../contract/http/notices.ts';
import { acknowledgeNotices } from '../routes/acknowledge-notices.ts';
import { listNotices } from '../routes/list-notices.ts';
import { testNotice } from '../routes/test-notice.ts';
import { foreign, type Markup, nothing, plural } from './markup.ts';
import { offer } from './offer.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative } from './when.ts';

const atOnce = '100';

/** What people were told, whom, what became of it, and who is called next until somebody says to have seen it. */
export const noticesPage: ConsolePage = {
  path: '/notices',
  show: async (visit) => {
    const subject = visit.query('subject');
    const cursor = visit.query('cursor');
    const { items, next } = await visit.ask<NoticePage>(listNotices, { query: { subject, cursor, limit: atOnce } });
    const isFirst = !isGiven(cursor);
    const groups = bySubject(items);
    const calling = groups.filter((group) => group.some(isCalling));
    const rest = groups.filter((group) => !calling.includes(group));
    return {
      title: 'Notices',
      place: 'notices',
      watch: ['stop', 'obligation', 'approval', 'breaker'],
      againAfterSeconds: 15,
      body: html`<div class="row between"><h1>Notices</h1>${isFirst && !isGiven(subject) ? nothing : html`<a class="button quiet" href="/notices">${isGiven(subject) ? 'All notices' : 'The newest'}</a>`}</div>
<div id="notices" data-live class="stack">${calling.length === 0 ? nothing : html`<section class="stack"><h2>${plural(calling.length, 'escalation')} open</h2><p class="lead">Further people are called until somebody has seen it.</p><ul class="cards">${calling.map((one) => html`<li class="note warn">${entry(visit, one)}</li>`)}</ul></section>`}
${items.length === 0 ? none(isFirst) : nothing}${rest.length === 0 ? nothing : html`<section class="stack"><h2>Delivery log</h2><ul class="cards">${rest.map((one) => html`<li class="card">${entry(visit, one)}</li>`)}</ul></section>`}
${next === null ? nothing : html`<p><a class="button" href="${olderThan(next, subject)}">Older</a></p>`}</div>
${testSection(visit)}`,
    };
  },
};

const isGiven = (text: string | undefined): text is string => text !== undefined && text !== '';

const olderThan = (cursor: string, subject: string | undefined): string =>
  `/notices?${new URLSearchParams({ ...(isGiven(subject) ? { subject } : {}), cursor }).toString()}`;

type Group = readonly [Notice, ...Notice[]];

/** What is told of one stop is one thing to have seen, however many stages it has. The newest first, as they come. */
function bySubject(items: readonly Notice[]): readonly Group[] {
  const groups = new Map<string, [Notice, ...Notice[]]>();
  for (const item of items) {
    const group = groups.get(item.subject);
    if (group === undefined) groups.set(item.subject, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

const isWaiting = ({ rung, state, attempts }: Delivery): boolean => rung !== '' && state === 'open' && attempts === 0;
/** There is a step of its escalation at which nobody was called yet. */
const isCalling = ({ acknowledgedAt, deliveries }: Notice): boolean =>
  acknowledgedAt === null && deliveries.some(isWaiting);

function entry(visit: Visit, group: Group): Markup {
  const [{ subject }] = group;
  const agents = [...new Set(group.flatMap((notice) => notice.agents))];
  const isOpen = group.some(({ acknowledgedAt, quiet }) => acknowledgedAt === null && quiet === null);
  return html`<div class="row between"><h3>${about(subject)}${agents.length === 0 ? nothing : html` <small>${agents.slice(0, 8).map((id) => html`<a href="/agents/${id}">${id}</a> `)}${agents.length > 8 ? `and ${agents.length - 8} more` : ''}</small>`}</h3>
${isOpen ? offer(visit, seenForm, { to: '/notices/seen', isOneOfMany: true }, html`<input type="hidden" name="what" value="${subject}"><button>I have seen it<span class="sr"> ${foreign(subject, 80)}</span></button>`) : nothing}</div>
<ol class="timeline">${group.map((notice) => html`<li>${clock(notice.notedAt, visit.now)}<div class="chips"><strong>${notice.event}</strong>${chips(notice, visit.now)}</div></li>`)}</ol>`;
}

function chips(notice: Notice, now: number): readonly Markup[] {
  const { quiet, acknowledgedAt, acknowledgedBy, notedAt } = notice;
  return [
    ...(acknowledgedBy === null
      ? []
      : [html`<span class="chip good">seen by ${foreign(acknowledgedBy, 80)} ${relative(acknowledgedAt, now)}</span>`]),
    ...(quiet === null ? [] : [html`<span class="chip">not told on its own: ${foreign(quiet, 80)}</span>`]),
    ...notice.deliveries.map((one) => deliveryChip(one, notedAt, acknowledgedAt !== null, now)),
  ];
}

const tones = { open: 'warn', delivered: 'good', failed: 'bad', skipped: '' } as const;

/** Whoever is called as a step of an escalation is named by it: owner, stop-holder, on-call. */
function deliveryChip(one: Delivery, notedAt: string, isSeen: boolean, now: number): Markup {
  const whom = html`${one.rung === '' ? nothing : html`${foreign(one.rung, 40)} at `}${foreign(one.endpoint, 60)}`;
  if (isWaiting(one)) {
    const at = new Date(Date.parse(notedAt) + one.afterMs).toISOString();
    return html`<span class="chip ${isSeen ? '' : 'warn'}">${whom}${isSeen ? ': not called any more' : html` ${relative(at, now)}, unless it is seen`}</span>`;
  }
  const tries = one.attempts > 1 ? `, ${one.attempts} tries` : '';
  return html`<span class="chip ${tones[one.state]}">${whom}: ${one.state}${tries}${one.answer === null ? nothing : html` (${foreign(one.answer, 60)})`}</span>`;
}

/** What it is about, with the way there where there is a page for it. */
function about(subject: string): Markup {
  const known = /^(stop|appr|task)_/.exec(subject)?.[1];
  const folder = known === undefined ? undefined : { stop: 'stops', appr: 'approvals', task: 'tasks' }[known];
  if (folder === undefined) return html`about ${foreign(subject, 160)}`;
  return html`<a href="/${folder}/${encodeURIComponent(subject)}">${folder.slice(0, -1)} …${foreign(subject.slice(-6))}</a>`;
}

function testSection(visit: Visit): Markup {
  const endpoints = visit.deps.config.current().notifications?.endpoints ?? [];
  if (endpoints.length === 0) return nothing;
  const words = html`<h2>Is anybody reached?</h2><p>A test goes the whole way of any notice. What became of it stands above, under <code>notify.test</code>.</p>`;
  return offer(
    visit,
    testForm,
    {
      to: '/notices/test',
      look: 'inline',
      around: (form) => html`<section class="card">${words}${form}</section>`,
    },
    html`<label class="field">To<select name="endpoint"><option value="">every endpoint</option>${endpoints.map(({ endpointId, type }) => html`<option value="${endpointId}">${endpointId} (${type})</option>`)}</select></label><button>Send a test</button>`,
  );
}

const none = (isFirst: boolean): Markup =>
  !isFirst
    ? html`<div class="card empty"><h2>Nothing further back</h2><p><a href="/notices">The newest</a></p></div>`
    : html`<div class="card empty"><h2>Nobody was told of anything</h2><p>Whom stops, approvals and trips are told to is said in estop.yaml, under <code>notifications</code>.</p></div>`;

const seenForm: ConsoleForm = {
  path: '/notices/seen',
  asks: [acknowledgeNotices],
  take: async (visit, fields) => {
    await visit.ask(acknowledgeNotices, { body: { what: field(fields, 'what') } });
    return '/notices';
  },
};

const testForm: ConsoleForm = {
  path: '/notices/test',
  asks: [testNotice],
  take: async (visit, fields) => {
    const endpoint = field(fields, 'endpoint');
    await visit.ask<TestNoticeResult>(testNotice, { body: endpoint === '' ? {} : { endpoint } });
    return '/notices';
  },
};

export const noticeForms: readonly ConsoleForm[] = [seenForm, testForm];
