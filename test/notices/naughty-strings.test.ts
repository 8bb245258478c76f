import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawCard } from '../../src/activities/notices/card.ts';
import { plainFacts, tell } from '../../src/contract/notice-words.ts';
import { findUnprintable } from '../../src/contract/printable.ts';
import { type NoticeEvent, noticeEvents } from '../../src/core/notice.ts';
import type { NoticeRecord } from '../../src/store/notices.ts';

const blns = new URL('../../../shared/data/blns/blns.json', import.meta.url);
const listed = existsSync(blns) ? (JSON.parse(readFileSync(blns, 'utf8')) as string[]) : []; // a list of texts, if it is there
/** The big list where it is, a share of it for each event, and always what matters here. */
const share = 6;
const ours = [
  '<!channel> <@U1>',
  '\u202e\u2066evil',
  'a\nb\r\u2028c',
  '\u0000\u001b[31m',
  '\ud800',
  'x'.repeat(1_000_000),
  '../../..',
  'https://evil.example/',
];

const consoleUrl = 'https://estop.example.org';
const names = [
  'scopeKey',
  'actor',
  'method',
  'reason',
  'resetBy',
  'resetReason',
  'evidence',
  'connector',
  'tool',
  'expiresAt',
  'state',
];
const more = ['decidedBy', 'breaker', 'action', 'address', 'since', 'trigger', 'why', 'subject', 'stopId'].concat([
  'actorName',
  'resetByName',
  'decidedByName',
  'of',
  'ofName',
  'role',
  'lifeMs',
  'activation',
  'secondedBy',
]);
const noticeOf = (event: NoticeEvent, text: string): NoticeRecord => ({
  noticeId: 'ntc_test_00000000000000000000000001',
  event,
  subject: text,
  agents: [text],
  escalates: false,
  facts: {
    ...Object.fromEntries([...names, ...more].map((name) => [name, text])),
    actors: [text, text],
    nested: { text },
  },
  notedAt: '2026-01-01T00:00:00.000000Z',
  ackedBy: text,
});

describe.each(noticeEvents)('a notice of %s', (event) => {
  it('is plain text of one line each and links to the console, whatever is in its facts', () => {
    const nth = noticeEvents.indexOf(event);
    const theirs = listed.filter((_text, index) => (index + nth) % share === 0);
    for (const text of [...ours, ...theirs]) {
      const notice = noticeOf(event, text);
      const { title, lines, about, path } = tell(notice);
      for (const line of [title, about, ...lines, ...Object.values(plainFacts(notice)).flat()])
        expect([text, findUnprintable(String(line))]).toEqual([text, undefined]);
      expect(title.length + lines.join('').length).toBeLessThan(4_000);
      expect([text, new URL(path, consoleUrl).origin]).toEqual([text, consoleUrl]);
      const drawn = drawCard([notice], { consoleUrl, environment: 'test', hasButtons: true });
      // The one text of it that is read as markup, whatever else is said: no mention and no link gets in.
      expect([text, /[<>]|&(?!(?:amp|lt|gt);)/.test(drawn.text)]).toEqual([text, false]);
      const card = JSON.stringify(drawn);
      expect(card).not.toContain('mrkdwn');
      expect(card.match(/"url":/g)).toHaveLength(1);
    }
  });
});

const idOf = (kind: string): string => `${kind}_test_00000000000000000000000001`;
const stopped = {
  subject: idOf('stop'),
  facts: {
    scopeKey: 'agent:mail-bot',
    actor: 'olga',
    method: 'console',
    category: 0,
    reason: 'it mails the wrong list',
  },
};
const ofTask = { subject: idOf('stop'), facts: { ...stopped.facts, scopeKey: `task:${idOf('task')}` } };
const asked = { subject: idOf('appr'), facts: { taskId: idOf('task'), tool: 'bank/pay', approvers: 1 } };
const measured = { action: 'warn', withinMs: 60_000 };
const elevation = `elevation:${idOf('elev')}`;

it.each([
  [
    'stop.latched',
    stopped,
    ['STOP latched: agent mail-bot', 'by olga (console), at once', 'stop of agent mail-bot: “it mails the wrong list”'],
  ],
  ['stop.proved', ofTask, ['Stop proved: task …000001 of mail-bot', 'Reason: “it mails the wrong list”']],
  [
    'stop.latched',
    { ...stopped, facts: { ...stopped.facts, actor: `olga (elevated, ${idOf('elev')})` } },
    ['by olga (elevated) (console)'],
  ],
  [
    'stop.latched',
    { ...stopped, facts: { ...stopped.facts, actor: 'sub:00u1a2b3', actorName: 'Olga' } },
    ['by Olga (console)'],
  ],
  [
    'obligation.needs-human',
    { ...stopped, facts: { ...stopped.facts, connector: 'crm', obligations: 2 } },
    ['A person is needed at crm', 'For the stop of agent mail-bot: “it mails the wrong list”'],
  ],
  [
    'obligation.needs-human',
    { subject: `end:${idOf('task')}`, facts: { connector: 'crm', obligations: 1 } },
    ['For the task of mail-bot that has ended'],
  ],
  [
    'approval.asked',
    asked,
    ['Approval asked: bank/pay by mail-bot', 'Risk tier: unknown, the tool is not on record', 'Needs one person'],
  ],
  [
    'approval.asked',
    { ...asked, facts: { ...asked.facts, tier: 'write', tierBy: 'proposed' } },
    ['Risk tier: write, as proposed.'],
  ],
  [
    'approval.asked',
    { ...asked, facts: { ...asked.facts, tier: 'destructive', tierBy: 'estop.yaml' } },
    ['Risk tier: destructive, as estop.yaml decides.'],
  ],
  [
    'approval.ended',
    { ...asked, facts: { ...asked.facts, state: 'denied', decidedBy: 'paul' } },
    ['Approval denied: bank/pay by mail-bot', 'By: “paul”'],
  ],
  [
    'breaker.tripped',
    { subject: 'mail-bot', facts: { breaker: 'denied-rate', action: 'stop', stopId: idOf('stop') } },
    ['Breaker denied-rate of mail-bot: stop'],
  ],
  [
    'breaker.tripped',
    { subject: 'mail-bot', facts: { ...measured, breaker: 'spend-slope', measured: 1_234_000_000, most: 300_000_000 } },
    ['1234 cents, more than 300 in 60 s.'],
  ],
  [
    'breaker.tripped',
    { subject: 'mail-bot', facts: { ...measured, breaker: 'error-rate', measured: 61, most: 50 } },
    ['61 % failed, more than 50 in 60 s.'],
  ],
  [
    'budget.ended',
    { subject: 'mail-bot', facts: { ...measured, breaker: 'over-budget', measured: 1, most: 0 } },
    ['Budget of mail-bot is used up: warn', '1 call over budget, more than 0 in 60 s.'],
  ],
  [
    'breaker.tripped',
    { subject: 'mail-bot', facts: { ...measured, breaker: 'trigger', action: 'hold', measured: 0, most: 0 } },
    ['Breaker trigger of mail-bot: hold', 'An alert held it.'],
  ],
  [
    'gateway.lost',
    { subject: idOf('gw'), facts: { address: '10.0.0.7:7403', since: '2026-01-01T10:20:30.123+00:00' } },
    ['Gateway lost: 10.0.0.7:7403', 'since 2026-01-01 10:20:30 UTC'],
  ],
  ['drill.failed', { subject: 'connector:crm', facts: {} }, ['DRILL FAILED: crm']],
  ['tool.changed', { subject: 'tool:mail/send_mail', facts: {} }, ['Definition changed: mail/send_mail']],
  [
    'policy.activated',
    {
      subject: 'policy:9f2c1b7a55d04e13',
      facts: { actor: 'anna', secondedBy: 'adam', activation: 7, reason: 'no code at night' },
    },
    ['Policies activated: number 7', 'by anna and adam', '“no code at night”'],
  ],
  [
    'elevation.begun',
    {
      subject: elevation,
      facts: { actor: 'paul', of: 'olga', role: 'admin', lifeMs: 900_000, reason: 'the IdP is down' },
    },
    ['BREAK-GLASS: olga is admin for 15 min'],
  ],
  [
    'elevation.asked',
    { subject: elevation, facts: { actor: 'olga', role: 'admin', lifeMs: 900_000 } },
    ['olga asks to be admin for 15 min'],
  ],
] as const)('%s is told by the names that people know (%#)', (event, { subject, facts }, said) => {
  const { title, lines, about, path } = tell({ event, subject, facts, agents: ['mail-bot'] });
  const text = [title, ...lines, about].join('\n');
  for (const part of said) expect(text).toContain(part);
  expect(text).not.toMatch(/(stop|task|appr|gw|elev)_test_|9f2c1b7a|sub:|connector:|tool:|agent:/);
  // The way there has the id.
  const id = /(?:stop|appr)_test_\w+/.exec(subject)?.[0];
  if (id !== undefined && !subject.startsWith('end:')) expect(path).toContain(id);
});
