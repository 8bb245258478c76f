import type { NoticeEvent } from '../core/notice.ts';
import { scopeWords } from '../core/scope-words.ts';
import { connectorPath, drilledConnector } from './names.ts';
import { plainText } from './printable.ts';
import { tripWords } from './trip-words.ts';

/**
 * What a person is told, in our own words, by the names that people know: ids of ours are in the link alone. What others wrote (reasons,
 * names of tools) is one plain line each, and marked as a quotation.
 */
export interface Told {
  readonly title: string;
  readonly lines: readonly string[];
  /** What it is about, however many notices there are of it: a stop by its scope and its reason. */
  readonly about: string;
  /** Where to see it, and to do something about it: a path of the console. */
  readonly path: string;
}

export interface NoticeFacts {
  readonly event: NoticeEvent;
  readonly subject: string;
  readonly agents: readonly string[];
  readonly facts: Readonly<Record<string, unknown>>;
}

const valueLength = 200;

export function tell(notice: NoticeFacts): Told {
  const { title, lines } = words[notice.event](notice);
  return {
    title: plainText(title, 150),
    lines: lines.filter((line) => line !== '').map((line) => plainText(line, 600)),
    about: plainText(aboutOf(notice), 200),
    path: pathOf(notice),
  };
}

/** As a value of the payload: numbers and truths as they are, text as one plain line. Never anything that is nested. */
export function plainFacts({ facts }: NoticeFacts): Readonly<Record<string, Plain>> {
  const plain: Record<string, Plain> = {};
  for (const [name, value] of Object.entries(facts)) {
    const one = plainValue(value);
    if (one !== undefined) plain[name] = one;
  }
  return plain;
}

type Plain = string | number | boolean | readonly string[];

function plainValue(value: unknown): Plain | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return plainText(value, valueLength);
  return Array.isArray(value) ? value.slice(0, 20).map((one) => plainText(String(one), valueLength)) : undefined;
}

function pathOf({ event, subject, facts }: NoticeFacts): string {
  const at = (...path: readonly string[]): string =>
    `/${path.map((part) => encodeURIComponent(plainText(part, 300))).join('/')}`;
  if (subject.startsWith('stop_')) return at('stops', subject);
  if (event.startsWith('approval.') && event !== 'approval.flood') return at('approvals', subject);
  if (event === 'approval.flood') return at('approvals');
  const stopId = facts['stopId'];
  if (typeof stopId === 'string') return at('stops', stopId);
  if (event.startsWith('elevation.')) return at('people');
  if (event.startsWith('policy.')) return at('policy');
  if (event === 'tool.changed') return at('tools', ...toolOf(subject).split('/', 2));
  if (event === 'stop.burst') return at('stops');
  const connector = event === 'drill.failed' ? connectorOf(subject) : ofTaskThatEnded(subject) && facts['connector'];
  if (typeof connector === 'string') return connectorPath(plainText(connector, 100));
  return event === 'breaker.tripped' || event === 'budget.ended' ? at('agents', subject) : '/';
}

const of = ({ facts }: NoticeFacts, name: string): string => {
  const value = facts[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, valueLength) : '';
};
const list = ({ facts }: NoticeFacts, name: string): string => {
  const value = facts[name];
  return Array.isArray(value) ? value.map((one) => String(one).slice(0, 60)).join(', ') : '';
};
/** As the console writes times; what is none stays as it is. */
function moment(it: NoticeFacts, name: string): string {
  const at = new Date(of(it, name));
  return Number.isNaN(at.getTime()) ? of(it, name) : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
const quoted = (label: string, text: string): string => (text === '' ? '' : `${label}: “${text}”`);
const reason = (it: NoticeFacts): string => quoted('Reason', of(it, 'reason'));

/** A person by the name that estop.yaml gives whom a provider knows by a number alone; without the id of a role taken for a while. */
const person = (it: NoticeFacts, name: string): string =>
  of(it, `${name}Name`) || of(it, name).replace(/ \(elevated, elev_[^)]*\)$/, ' (elevated)');
const agentName = (agentId: string): string => {
  const connector = drilledConnector(agentId);
  return connector === undefined ? agentId : `the drill of ${connector}`;
};
const agentNames = ({ agents }: NoticeFacts): string => {
  const named = agents.slice(0, 5).map((agentId) => agentName(agentId.slice(0, 80)));
  return `${named.join(', ')}${agents.length > named.length ? ` and ${agents.length - named.length} more` : ''}`;
};
const byAgents = (it: NoticeFacts): string => (it.agents.length === 0 ? '' : ` by ${agentNames(it)}`);

/** A task has no name: whose it is says more than its id. */
function scope(it: NoticeFacts): string {
  const key = of(it, 'scopeKey');
  const inWords = scopeWords(key);
  return key.startsWith('task:') && it.agents.length > 0 ? `${inWords} of ${agentNames(it)}` : inWords;
}

const categories: ReadonlyMap<string, string> = new Map([
  ['0', 'at once'],
  ['1', 'with time to wind down'],
]);
const by = (it: NoticeFacts): string => {
  const category = of(it, 'category');
  return `by ${person(it, 'actor')} (${of(it, 'method')}), ${categories.get(category) ?? `category ${category}`}`;
};

const ofTaskThatEnded = (subject: string): boolean => subject.startsWith('end:');
const connectorOf = (subject: string): string => subject.replace(/^connector:/, '');
const toolOf = (subject: string): string => subject.replace(/^tool:/, '');

function aboutOf(it: NoticeFacts): string {
  switch (it.event) {
    case 'stop.burst':
      return 'many stops at once';
    case 'approval.asked':
    case 'approval.ended':
      return `call of ${of(it, 'tool')}${byAgents(it)}`;
    case 'approval.flood':
    case 'breaker.tripped':
    case 'budget.ended':
      return `agent ${agentName(it.subject.slice(0, valueLength))}`;
    case 'gateway.lost':
      return `gateway at ${of(it, 'address')}`;
    case 'drill.failed':
      return `connector ${connectorOf(it.subject)}`;
    case 'policy.activated':
    case 'policy.proposed':
      return 'the policies';
    case 'tool.changed':
      return `tool ${toolOf(it.subject)}`;
    case 'elevation.asked':
    case 'elevation.begun':
      return `a role for a while, ${elevated(it)}`;
    case 'trigger.refused':
      return `trigger ${it.subject}`;
    case 'notify.test':
      return 'a test';
    default:
      return cause(it);
  }
}

/** Of the stop, or of the task that ended without one. */
function cause(it: NoticeFacts): string {
  if (ofTaskThatEnded(it.subject)) return `a task of ${agentNames(it)} that has ended`;
  const said = of(it, 'scopeKey') === '' ? 'a stop' : `stop of ${scope(it)}`;
  return of(it, 'reason') === '' ? said : `${said}: “${of(it, 'reason').slice(0, 100)}”`;
}

/** Whoever grants it is not whoever has it. */
const elevated = (it: NoticeFacts): string => person(it, 'of') || person(it, 'actor');
const forSoLong = (it: NoticeFacts): string => {
  const ms = it.facts['lifeMs'];
  return typeof ms === 'number' ? ` for ${Math.round(ms / 60_000)} min` : ' for a while';
};

const riskTier = (it: NoticeFacts): string => {
  const tier = of(it, 'tier');
  if (tier === '') return 'Risk tier: unknown, the tool is not on record.';
  return `Risk tier: ${tier}, ${of(it, 'tierBy') === 'proposed' ? 'as proposed' : 'as estop.yaml decides'}.`;
};

const count = ({ facts }: NoticeFacts, name: string): number => Number(facts[name] ?? Number.NaN);
function tripped(it: NoticeFacts): string {
  const trip = { breaker: of(it, 'breaker'), measured: count(it, 'measured'), most: count(it, 'most') };
  const words = tripWords({ ...trip, withinMs: count(it, 'withinMs') });
  return words.includes('NaN') ? '' : `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

type Words = (notice: NoticeFacts) => { readonly title: string; readonly lines: readonly string[] };

const words: Readonly<Record<NoticeEvent, Words>> = {
  'stop.latched': (it) => ({ title: `STOP latched: ${scope(it)}`, lines: [by(it), reason(it)] }),
  'stop.fenced': (it) => ({
    title: `Stop fenced: ${scope(it)}`,
    lines: ['No gateway lets a call of it through.', reason(it)],
  }),
  'stop.halted': (it) => ({
    title: `Stop halted: ${scope(it)}`,
    lines: ['Every covered task was seen closed.', reason(it)],
  }),
  'stop.revoked': (it) => ({
    title: `Stop revoked: ${scope(it)}`,
    lines: ['Every obligation was acted on; the last probe is still to come.', reason(it)],
  }),
  'stop.proved': (it) => ({
    title: `Stop proved: ${scope(it)}`,
    lines: [`Evidence: ${of(it, 'evidence') || 'not said'}.`, reason(it)],
  }),
  'stop.proof-withdrawn': (it) => ({
    title: `NOT proved any more: ${scope(it)}`,
    lines: ['Something new came under this stop. It is being worked off.', reason(it)],
  }),
  'stop.reset': (it) => ({
    title: `Stop reset: ${scope(it)}`,
    lines: [`by ${person(it, 'resetBy')}`, quoted('Reason', of(it, 'resetReason')), 'Nothing restarts by itself.'],
  }),
  'stop.burst': (it) => ({
    title: `ALARM: ${of(it, 'stops')} stops within ${seconds(it)} s`,
    lines: [`All of them are latched. Ordered by: ${list(it, 'actors')}.`, 'Somebody may be using stops as a weapon.'],
  }),
  'obligation.needs-human': (it) => ({
    title: `A person is needed at ${of(it, 'connector')}`,
    lines: [
      `For the ${cause(it).replace(/^a /, '')}.`,
      `What is left there (${of(it, 'obligations')}) cannot be made dead without somebody. It is still being tried.`,
    ],
  }),
  'approval.asked': (it) => ({
    title: `Approval asked: ${of(it, 'tool')}${byAgents(it)}`,
    lines: [
      riskTier(it),
      `Needs ${of(it, 'approvers') === '1' ? 'one person' : `${of(it, 'approvers')} people`}. Ends at ${moment(it, 'expiresAt')} as a denial.`,
      'Look at the call itself before you decide.',
    ],
  }),
  'approval.ended': (it) => ({
    title: `Approval ${of(it, 'state')}: ${of(it, 'tool')}${byAgents(it)}`,
    lines: [quoted('By', person(it, 'decidedBy'))],
  }),
  'approval.flood': (it) => ({
    title: `ALARM: ${it.subject} asks for too many approvals`,
    lines: [`${of(it, 'pending')} are open. Those that follow are not told one by one.`],
  }),
  'breaker.tripped': (it) => ({
    title: `Breaker ${of(it, 'breaker')} of ${it.subject}: ${of(it, 'action')}`,
    lines: [tripped(it)],
  }),
  'budget.ended': (it) => ({ title: `Budget of ${it.subject} is used up: ${of(it, 'action')}`, lines: [tripped(it)] }),
  'gateway.lost': (it) => ({
    title: `Gateway lost: ${of(it, 'address')}`,
    lines: [`It has had no lease since ${moment(it, 'since')}. It admits nothing.`],
  }),
  'drill.failed': (it) => ({
    title: `DRILL FAILED: ${connectorOf(it.subject)}`,
    lines: ['It did not prove that it can cut off what it issues. A stop would meet the same.'],
  }),
  'policy.activated': (it) => ({
    title: `Policies activated${of(it, 'activation') === '' ? '' : `: number ${of(it, 'activation')}`}`,
    lines: [`by ${[person(it, 'actor'), of(it, 'secondedBy')].filter((one) => one !== '').join(' and ')}`, reason(it)],
  }),
  'policy.proposed': (it) => ({
    title: 'Policies wait for a second person',
    lines: [`Proposed by ${person(it, 'actor')}.`, reason(it)],
  }),
  'tool.changed': (it) => ({
    title: `Definition changed: ${toolOf(it.subject)}`,
    lines: ['Nobody calls it until somebody has looked at it.'],
  }),
  'elevation.asked': (it) => ({
    title: `${elevated(it)} asks to be ${of(it, 'role') || 'more'}${forSoLong(it)}`,
    lines: ['A second person must grant it.', reason(it)],
  }),
  'elevation.begun': (it) => ({
    title: `BREAK-GLASS: ${elevated(it)} is ${of(it, 'role') || 'more'}${forSoLong(it)}`,
    lines: ['It ends by itself. What is done with it is marked.', reason(it)],
  }),
  'trigger.refused': (it) => ({
    title: `Trigger ${of(it, 'trigger')} stopped NOTHING`,
    lines: [
      `An alert came in, and nothing came of it: ${of(it, 'why')}.`,
      'Look whether something must be stopped by hand.',
    ],
  }),
  'notify.test': (it) => ({ title: 'This is a test', lines: [`Asked for by ${person(it, 'actor')}.`] }),
};

const seconds = ({ facts }: NoticeFacts): string => {
  const ms = facts['withinMs'];
  return typeof ms === 'number' ? String(Math.round(ms / 1_000)) : '?';
};
