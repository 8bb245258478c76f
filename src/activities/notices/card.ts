import { tell } from '../../contract/notice-words.ts';
import { plainText } from '../../contract/printable.ts';
import type { NoticeEvent } from '../../core/notice.ts';
import type { NoticeRecord } from '../../store/notices.ts';

/** One message about one subject, as Slack calls its parts. Every text is `plain_text`: nothing that others wrote is markup there. */
export interface Card {
  readonly text: string;
  readonly blocks: readonly object[];
}

interface CardOptions {
  readonly consoleUrl: string;
  readonly environment: string;
  /** Whether the channel may answer by a button. */
  readonly hasButtons: boolean;
}

/** For the one text of a message that Slack reads as markup whatever is said of it: without these three there is no mention and no link. */
export const asText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const plain = (text: string) => ({ type: 'plain_text', text, emoji: false });

/** Of all that was noticed about the subject so far, oldest first: who changes the card last says the newest, whoever that is. */
export function drawCard(notices: readonly NoticeRecord[], options: CardOptions): Card {
  const [first] = notices;
  const newest = notices.at(-1);
  if (first === undefined || newest === undefined) return { text: '', blocks: [] };
  const head = tell(headOf(notices) ?? first);
  const now = tell(newest);
  const title = `[${options.environment}] ${head.title}`;
  const body = [...head.lines, '', ...notices.slice(-12).map((notice) => lineOf(notice, first))];
  return {
    text: asText(newest === first ? title : `${title} / ${now.title}`),
    blocks: [
      { type: 'header', text: plain(plainText(title, 150)) },
      { type: 'section', text: plain(body.join('\n').slice(0, 2_900)) },
      {
        type: 'actions',
        elements: [
          linkButton(new URL(head.path, options.consoleUrl).href),
          ...(options.hasButtons ? buttonsOf(notices) : []),
        ],
      },
    ],
  };
}

const heads: readonly NoticeEvent[] = ['stop.latched', 'approval.asked', 'breaker.tripped', 'budget.ended'];
const headOf = (notices: readonly NoticeRecord[]): NoticeRecord | undefined =>
  notices.findLast(({ event }) => heads.includes(event));

function lineOf(notice: NoticeRecord, first: NoticeRecord): string {
  const after = Math.max(0, Date.parse(notice.notedAt) - Date.parse(first.notedAt));
  const when = notice === first ? `${notice.notedAt.slice(0, 19)}Z` : `+${(after / 1_000).toFixed(1)} s`;
  const acked = notice.ackedBy === undefined ? '' : `, seen by ${plainText(notice.ackedBy, 60)}`;
  const { title, lines } = tell(notice);
  // Who pressed a button sees here that it was taken, and everybody else by whom.
  const by = notice.event === 'approval.ended' ? lines.map((line) => (line === '' ? '' : `. ${line}`)).join('') : '';
  return `${when}  ${title}${by}${acked}`;
}

const linkButton = (url: string) => ({ type: 'button', action_id: 'open', text: plain('Open'), url });

/** Deny always; approve only what one person decides. What is destructive is refused there by whoever takes the answer. */
function buttonsOf(notices: readonly NoticeRecord[]): readonly object[] {
  const asked = notices.findLast(({ event }) => event === 'approval.asked');
  if (asked === undefined || notices.some(({ event }) => event === 'approval.ended')) return [];
  const button = (action: string, label: string, style: string) => ({
    type: 'button',
    action_id: action,
    text: plain(label),
    style,
    value: asked.subject,
  });
  const approve = asked.facts['approvers'] === 1 ? [button('approve', 'Approve', 'primary')] : [];
  return [...approve, button('deny', 'Deny', 'danger')];
}
