import { plainText } from '../../contract/printable.ts';
import type { NoticeEvent } from '../../core/notice.ts';
import type { NoticeRecord } from '../../store/notices.ts';

/** What a person is told, in our own words. What others wrote (reasons, names of tools) is one plain line each, and marked as a quotation. */
export interface Told {
  readonly title: string;
  readonly lines: readonly string[];
  /** Where to see it, and to do something about it. */
  readonly link: string;
}

const valueLength = 200;

export function tell(notice: NoticeRecord, consoleUrl: string): Told {
  const link = linkOf(notice, consoleUrl);
  const { title, lines } = words[notice.event](notice);
  return {
    title: plainText(title, 150),
    lines: lines.filter((line) => line !== '').map((line) => plainText(line, 600)),
    link,
  };
}

/** As a value of the payload: numbers and truths as they are, text as one plain line. Never anything that is nested. */
export function plainFacts(notice: NoticeRecord): Readonly<Record<string, Plain>> {
  const facts: Record<string, Plain> = {};
  for (const [name, value] of Object.entries(notice.facts)) {
    const plain = plainValue(value);
    if (plain !== undefined) facts[name] = plain;
  }
  return facts;
}

type Plain = string | number | boolean | readonly string[];

function plainValue(value: unknown): Plain | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return plainText(value, valueLength);
  return Array.isArray(value) ? value.slice(0, 20).map((one) => plainText(String(one), valueLength)) : undefined;
}

function linkOf({ event, subject, facts }: NoticeRecord, consoleUrl: string): string {
  const at = (...path: readonly string[]): string =>
    new URL(`/${path.map((part) => encodeURIComponent(plainText(part, 300))).join('/')}`, consoleUrl).href;
  if (subject.startsWith('stop_')) return at('stops', subject);
  if (event.startsWith('approval.') && event !== 'approval.flood') return at('approvals', subject);
  if (event === 'approval.flood') return at('approvals');
  const stopId = facts['stopId'];
  if (typeof stopId === 'string') return at('stops', stopId);
  if (event.startsWith('elevation.')) return at('people');
  if (event === 'drill.failed') return at('connectors');
  return event === 'breaker.tripped' || event === 'budget.ended' ? at('agents', subject) : at('');
}

const of = (notice: NoticeRecord, name: string): string => {
  const value = notice.facts[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, valueLength) : '';
};
const list = (notice: NoticeRecord, name: string): string => {
  const value = notice.facts[name];
  return Array.isArray(value) ? value.map((one) => String(one).slice(0, 60)).join(', ') : '';
};
const quoted = (label: string, text: string): string => (text === '' ? '' : `${label}: “${text}”`);
const scope = (notice: NoticeRecord): string => of(notice, 'scopeKey');
const by = (notice: NoticeRecord): string =>
  `by ${of(notice, 'actor')} (${of(notice, 'method')}), category ${of(notice, 'category')}`;

type Words = (notice: NoticeRecord) => { readonly title: string; readonly lines: readonly string[] };

const words: Readonly<Record<NoticeEvent, Words>> = {
  'stop.latched': (it) => ({
    title: `STOP latched: ${scope(it)}`,
    lines: [by(it), quoted('Reason', of(it, 'reason'))],
  }),
  'stop.fenced': (it) => ({ title: `Stop fenced: ${scope(it)}`, lines: ['No gateway lets a call of it through.'] }),
  'stop.halted': (it) => ({ title: `Stop halted: ${scope(it)}`, lines: ['Every covered task was seen closed.'] }),
  'stop.revoked': (it) => ({
    title: `Stop revoked: ${scope(it)}`,
    lines: ['Every obligation was acted on; the last probe is still to come.'],
  }),
  'stop.proved': (it) => ({
    title: `Stop proved: ${scope(it)}`,
    lines: [`Evidence: ${of(it, 'evidence') || 'not said'}.`],
  }),
  'stop.proof-withdrawn': (it) => ({
    title: `NOT proved any more: ${scope(it)}`,
    lines: ['Something new came under this stop. It is being worked off.'],
  }),
  'stop.reset': (it) => ({
    title: `Stop reset: ${scope(it)}`,
    lines: [`by ${of(it, 'resetBy')}`, quoted('Reason', of(it, 'resetReason')), 'Nothing restarts by itself.'],
  }),
  'stop.burst': (it) => ({
    title: `ALARM: ${of(it, 'stops')} stops within ${seconds(it)} s`,
    lines: [`All of them are latched. Ordered by: ${list(it, 'actors')}.`, 'Somebody may be using stops as a weapon.'],
  }),
  'obligation.needs-human': (it) => ({
    title: `A person is needed at ${of(it, 'connector')}`,
    lines: [`${of(it, 'obligations')} obligation(s) cannot be made dead without somebody. They are still being tried.`],
  }),
  'approval.asked': (it) => ({
    title: `Approval asked: ${of(it, 'tool')}`,
    lines: [
      `Agent ${it.agents.join(', ')}. Needs ${of(it, 'approvers')}. Ends at ${of(it, 'expiresAt')} as a denial.`,
      'Look at the call itself before you decide.',
    ],
  }),
  'approval.ended': (it) => ({
    title: `Approval ${of(it, 'state')}: ${of(it, 'tool')}`,
    lines: [quoted('By', of(it, 'decidedBy'))],
  }),
  'approval.flood': (it) => ({
    title: `ALARM: ${it.subject} asks for too many approvals`,
    lines: [`${of(it, 'pending')} are open. Those that follow are not told one by one.`],
  }),
  'breaker.tripped': (it) => ({
    title: `Breaker ${of(it, 'breaker')} of ${it.subject}: ${of(it, 'action')}`,
    lines: [`Measured ${of(it, 'measured')}, at most ${of(it, 'most')} within ${seconds(it)} s.`],
  }),
  'budget.ended': (it) => ({ title: `Budget of ${it.subject} is used up: ${of(it, 'action')}`, lines: [] }),
  'gateway.lost': (it) => ({
    title: `Gateway lost: ${it.subject}`,
    lines: [`It was at ${of(it, 'address')}, and has had no lease since ${of(it, 'since')}. It admits nothing.`],
  }),
  'drill.failed': (it) => ({
    title: `DRILL FAILED: ${it.subject}`,
    lines: ['It did not prove that it can cut off what it issues. A stop would meet the same.'],
  }),
  'policy.activated': (it) => ({ title: `Policies activated: ${it.subject}`, lines: [`by ${of(it, 'actor')}`] }),
  'policy.proposed': (it) => ({
    title: `Policies wait for a second person: ${it.subject}`,
    lines: [`by ${of(it, 'actor')}`],
  }),
  'tool.changed': (it) => ({
    title: `Definition changed: ${it.subject}`,
    lines: ['Nobody calls it until somebody has looked at it.'],
  }),
  'elevation.asked': (it) => ({
    title: `${of(it, 'actor')} asks for a role for a while`,
    lines: ['A second person must grant it.'],
  }),
  'elevation.begun': (it) => ({
    title: `BREAK-GLASS: a role for a while, ${of(it, 'actor')}`,
    lines: ['It ends by itself. What is done with it is marked.'],
  }),
  'trigger.refused': (it) => ({
    title: `Trigger ${of(it, 'trigger')} stopped NOTHING`,
    lines: [
      `An alert came in, and nothing came of it: ${of(it, 'why')}.`,
      'Look whether something must be stopped by hand.',
    ],
  }),
  'notify.test': (it) => ({ title: 'This is a test', lines: [`Asked for by ${of(it, 'actor')}.`] }),
};

const seconds = (notice: NoticeRecord): string => {
  const ms = notice.facts['withinMs'];
  return typeof ms === 'number' ? String(Math.round(ms / 1_000)) : '?';
};
