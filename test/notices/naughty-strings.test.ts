import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drawCard } from '../../src/activities/notices/card.ts';
import { plainFacts, tell } from '../../src/activities/notices/tell.ts';
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
const more = ['decidedBy', 'breaker', 'action', 'address', 'since', 'trigger', 'why', 'subject', 'stopId'];
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
      const { title, lines, link } = tell(notice, consoleUrl);
      for (const line of [title, ...lines, ...Object.values(plainFacts(notice)).flat()])
        expect([text, findUnprintable(String(line))]).toEqual([text, undefined]);
      expect(title.length + lines.join('').length).toBeLessThan(4_000);
      expect(new URL(link).origin).toBe(consoleUrl);
      const card = JSON.stringify(drawCard([notice], { consoleUrl, environment: 'test', hasButtons: true }));
      expect(card).not.toContain('mrkdwn');
      expect(card.match(/"url":/g)).toHaveLength(1);
    }
  });
});
