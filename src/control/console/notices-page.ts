import { html } from 'hono/html';
import type { Notice, NoticePage, TestNoticeResult } from '../../contract/http/notices.ts';
import { quietSentence } from '../../core/notice.ts';
import { listNotices } from '../routes/list-notices.ts';
import { testNotice } from '../routes/test-notice.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import {
  about,
  bySubject,
  countOf,
  deliveryChip,
  headOf,
  isCalling,
  isUnseen,
  type NoticeGroup,
  openEscalations,
} from './notice-groups.ts';
import { offer } from './offer.ts';
import { seenButton, seenForm } from './seen.ts';
import { type ConsoleForm, type ConsolePage, field } from './view.ts';
import type { Visit } from './visit.ts';
import { clock, relative } from './when.ts';

const atOnce = '100';
/** Of what is open, at the top of the first page; there is a page for all of it. */
const mostOpen = 20;

/** What people were told, whom, what became of it, and who is called next until somebody says to have seen it. */
export const noticesPage: ConsolePage = {
  path: '/notices',
  show: async (visit) => {
    const where = whereIn((name) => visit.query(name));
    const isFirst = where.cursor === '';
    const isLog = where.escalated === '';
    const [{ items, next }, unseen] = await Promise.all([
      visit.ask<NoticePage>(listNotices, { query: { ...where, limit: atOnce } }),
      isFirst && isLog ? openEscalations(visit, where.subject) : undefined,
    ]);
    const groups = bySubject(items);
    const open = unseen ?? { groups: groups.filter((group) => group.some(isUnseen)), more: false };
    const shown = open.groups
      .toSorted((one, other) => Number(other.some(isCalling)) - Number(one.some(isCalling)))
      .slice(0, isLog ? mostOpen : open.groups.length)
      .map((group) => withRest(group, groups));
    const rest = groups.filter(([{ subject }]) => !shown.some(([one]) => one.subject === subject));
    const isAll = unseen === undefined || (!open.more && shown.length === open.groups.length);
    return {
      title: 'Notices',
      place: 'notices',
      watch: ['stop', 'obligation', 'approval', 'breaker'],
      againAfterSeconds: 15,
      body: html`<div class="row between"><h1>Notices</h1>${noticesAt(where) === '/notices' ? nothing : html`<a class="button quiet" href="/notices">${where.subject !== '' || !isLog ? 'All notices' : 'The newest'}</a>`}</div>
<div id="notices" data-live class="stack">${
        shown.length === 0
          ? nothing
          : html`<section class="stack"><h2>${unseen === undefined ? 'Escalations open' : countOf(open)}</h2><p class="lead">${shown.some((group) => group.some(isCalling)) ? 'Further people are called until somebody has seen it.' : 'Nobody has said to have seen it, and there is nobody left to call.'}</p><ul class="cards">${shown.map((one) => html`<li class="note warn">${entry(visit, one)}</li>`)}</ul>
${isAll ? nothing : html`<p><a href="${noticesAt({ subject: where.subject, escalated: 'true', cursor: '' })}">All that nobody has said to have seen</a></p>`}</section>`
      }
${items.length === 0 ? none(isFirst && isLog) : nothing}${rest.length === 0 ? nothing : html`<section class="stack"><h2>Delivery log</h2><ul class="cards">${rest.map((one) => html`<li class="card">${entry(visit, one)}</li>`)}</ul></section>`}
${next === null ? nothing : html`<p><a class="button" href="${noticesAt({ ...where, cursor: next })}">Older</a></p>`}</div>
${testSection(visit)}`,
    };
  },
};

/** Which page of which list somebody looks at. It is made into an address here and nowhere else. */
type Where = Readonly<Record<'subject' | 'escalated' | 'cursor', string>>;

const whereIn = (read: (name: string) => string | undefined): Where => ({
  subject: read('subject') ?? '',
  escalated: read('escalated') === 'true' ? 'true' : '',
  cursor: read('cursor') ?? '',
});

function noticesAt(where: Where): string {
  const given = Object.entries(where).filter(([, value]) => value !== '');
  return given.length === 0 ? '/notices' : `/notices?${new URLSearchParams(given).toString()}`;
}

/** With what else is told of it on this page. */
function withRest(group: NoticeGroup, groups: readonly NoticeGroup[]): NoticeGroup {
  const [first] = group;
  const beside = groups.find(([{ subject }]) => subject === first.subject) ?? [];
  const missing = group.filter(({ noticeId }) => !beside.some((one) => one.noticeId === noticeId));
  const [newest = first, ...more] = [...beside, ...missing];
  return [newest, ...more];
}

function entry(visit: Visit, group: NoticeGroup): Markup {
  const head = headOf(group);
  // Who is named already is not named again.
  const agents = [...new Set(group.flatMap((notice) => notice.agents))].filter(
    (id) => !head.about.split(/[ ,:]+/).includes(id),
  );
  const isOpen = group.some(({ acknowledgedAt, quiet }) => acknowledgedAt === null && quiet === null);
  return html`<div class="row between"><h3>${about(head)}${agents.length === 0 ? nothing : html` <small>${agents.slice(0, 8).map((id) => html`<a href="/agents/${id}">${id}</a> `)}${agents.length > 8 ? `and ${agents.length - 8} more` : ''}</small>`}</h3>
${isOpen ? seenButton(visit, group) : nothing}</div>
<ol class="timeline">${group.map((notice) => html`<li>${clock(notice.notedAt, visit.now)}<div class="chips"><strong>${foreign(notice.title, 150)}</strong>${chips(notice, visit.now)}</div></li>`)}</ol>`;
}

function chips(notice: Notice, now: number): readonly Markup[] {
  const { quiet, acknowledgedAt, acknowledgedBy, notedAt } = notice;
  return [
    ...(acknowledgedBy === null
      ? []
      : [html`<span class="chip good">seen by ${foreign(acknowledgedBy, 80)} ${relative(acknowledgedAt, now)}</span>`]),
    ...(quiet === null ? [] : [html`<span class="chip">told to nobody: ${foreign(quietSentence(quiet), 80)}</span>`]),
    ...notice.deliveries.map((one) => deliveryChip(one, notedAt, acknowledgedAt !== null, now)),
  ];
}

function testSection(visit: Visit): Markup {
  const endpoints = visit.deps.config.current().notifications?.endpoints ?? [];
  if (endpoints.length === 0) return nothing;
  const words = html`<h2>Is anybody reached?</h2><p>A test goes the whole way of any notice. What became of it stands above, under <em>a test</em>.</p>`;
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
