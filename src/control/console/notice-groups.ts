import { html } from 'hono/html';
import { answerWords } from '../../contract/delivery-words.ts';
import type { Delivery, Notice, NoticePage } from '../../contract/http/notices.ts';
import { plural } from '../../contract/plural.ts';
import { listNotices } from '../routes/list-notices.ts';
import { foreign, type Markup, nothing } from './markup.ts';
import type { Visit } from './visit.ts';
import { relative } from './when.ts';

export type NoticeGroup = readonly [Notice, ...Notice[]];

/** What is told of one stop is one thing to have seen, however many stages it has. The newest first, as they come. */
export function bySubject(items: readonly Notice[]): readonly NoticeGroup[] {
  const groups = new Map<string, [Notice, ...Notice[]]>();
  for (const item of items) {
    const group = groups.get(item.subject);
    if (group === undefined) groups.set(item.subject, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** What says most of what it is about: where a stop is, the latch of it with its reason, rather than what came of it. */
export const headOf = ([newest, ...older]: NoticeGroup): Notice =>
  [newest, ...older].findLast(({ event }) => event.startsWith('stop.')) ?? newest;

export const isWaiting = ({ rung, state, attempts }: Delivery): boolean =>
  rung !== '' && state === 'open' && attempts === 0;
/** There is a step of its escalation at which nobody was called yet. */
export const isCalling = ({ acknowledgedAt, deliveries }: Notice): boolean =>
  acknowledgedAt === null && deliveries.some(isWaiting);
/** People were called or are going to be, and none of them has said anything. */
export const isUnseen = ({ escalates, acknowledgedAt }: Notice): boolean => escalates && acknowledgedAt === null;

export interface OpenEscalations {
  readonly groups: readonly NoticeGroup[];
  /** There are further ones, which are older. */
  readonly more: boolean;
}

/** However many notices have come since: age hides none of these. */
export async function openEscalations(visit: Visit, subject = ''): Promise<OpenEscalations> {
  const { items, next } = await visit.ask<NoticePage>(listNotices, {
    query: { escalated: 'true', subject, limit: '100' },
  });
  return { groups: bySubject(items), more: next !== null };
}

export const countOf = ({ groups, more }: OpenEscalations): string =>
  more ? `At least ${plural(groups.length, 'escalation')} open` : `${plural(groups.length, 'escalation')} open`;

/** What it is about, by the names that people know, with the way there; the id is in the way alone. */
export const about = ({ about: words, path }: Notice): Markup =>
  path === '/' ? foreign(words, 200) : html`<a href="${path}">${foreign(words, 200)}</a>`;

const words = { open: 'not delivered yet', delivered: 'delivered', failed: 'given up', skipped: 'skipped' } as const;
const tones = { open: 'warn', delivered: 'good', failed: 'bad', skipped: '' } as const;

/** Whoever is called as a step of an escalation is named by it: owner, stop-holder, on-call. */
export function deliveryChip(one: Delivery, notedAt: string, isSeen: boolean, now: number): Markup {
  const whom = html`${one.rung === '' ? nothing : html`${foreign(one.rung, 40)} at `}${foreign(one.endpoint, 60)}`;
  if (isWaiting(one)) {
    const at = new Date(Date.parse(notedAt) + one.afterMs).toISOString();
    return html`<span class="chip ${isSeen ? '' : 'warn'}">${whom}${isSeen ? ': not called any more' : html` ${relative(at, now)}, unless it is seen`}</span>`;
  }
  if (one.state === 'open' && one.attempts === 0) return html`<span class="chip">${whom}: on its way</span>`;
  const tries = one.attempts > 1 ? `, ${one.attempts} tries` : '';
  return html`<span class="chip ${tones[one.state]}">${whom}: ${words[one.state]}${tries}${one.answer === null ? nothing : html` (${foreign(answerWords(one.answer), 60)})`}</span>`;
}
