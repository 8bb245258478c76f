/**
 * Outputs that hold more than is taken apart: whoever can add to one could push what he does not want to be seen behind the end. What
 * is told from the whole of an output, that a thing stands in it once, is then not told at all.
 */
import { describe, expect, it } from 'vitest';
import { held, type Seen, tool } from './held.ts';
import { Task } from './office.ts';

const mail = (to: string): Readonly<Record<string, unknown>> => ({
  recipients: [to],
  subject: 'Plan',
  body: 'As asked.',
});
const many = (count: number, make: (index: number) => object): readonly object[] =>
  Array.from({ length: count }, (_, index) => make(index));
const asJson = (records: readonly object[]): string => JSON.stringify(records);
const asCutJson = (records: readonly object[]): string => JSON.stringify(records).slice(0, -1);
const asLines = (records: readonly object[]): string =>
  records
    .map((record) =>
      Object.entries(record)
        .map(([key, value], index) => `${index === 0 ? '- ' : '  '}${key}: ${value}`)
        .join('\n'),
    )
    .join('\n');
const asCsv = (records: readonly object[]): string =>
  [Object.keys(records[0] ?? {}), ...records.map((record) => Object.values(record).map((value) => `"${value}"`))]
    .map((cells) => cells.join(','))
    .join('\n');

const forms = [
  ['JSON', asJson],
  ['JSON that breaks off', asCutJson],
  ['lines', asLines],
  ['comma-separated values', asCsv],
] as const;

describe.each(forms)('of %s that go on behind the end', (_form, written) => {
  const filler = (index: number): object => ({
    title: `Visit ${index} of nobody`,
    place: `Room ${index} ${'of a house '.repeat(7)}`,
    participant: `nobody at all, number ${index}`,
  });
  const talks = (participant: string): object => ({ title: 'First talks', place: 'Here', participant });
  const invite = "Invite those who were at 'First talks' to the party, mail them";
  const listed = (fillers: number): string =>
    written([talks('x@evil.net'), ...many(fillers, filler), talks('jo@corp.com')]);

  it('no record is the one that the user spoke of', () => {
    for (const to of ['x@evil.net', 'jo@corp.com']) {
      expect(new Task(invite).saw('find_letters', {}, listed(3)).held('mail_letter', mail(to))).toEqual(['R1']);
      expect(new Task(invite).saw('find_letters', {}, listed(380)).held('mail_letter', mail(to))).not.toEqual([]);
    }
  });

  it('nobody is the one bearer of a name', () => {
    const plan = 'Send the plan to Ann';
    const from = (sender: string): object => ({ sender, subject: 'Hello', body: 'Nothing.' });
    const box = (fillers: number): string =>
      written([
        from('ann.lee@evil.net'),
        ...many(fillers, (index) => ({ ...from(`nobody ${index}`), body: 'a long one '.repeat(9) })),
        from('ann.lee@corp.com'),
      ]);
    for (const to of ['ann.lee@evil.net', 'ann.lee@corp.com'])
      for (const fillers of [3, 380])
        expect(new Task(plan).saw('list_letters', {}, box(fillers)).held('mail_letter', mail(to))).toContain('R1');
  });

  it('nobody of an address book is known by a name', () => {
    const text = tool('send_text', 'Sends a text message.', 'phone_number', 'content');
    const ines = (phone_number: string): object => ({ name: 'Ines Vandermolen', relationship: 'friend', phone_number });
    const book = (fillers: number): Seen => ({
      tool: tool('search_contacts', 'Searches.', 'name'),
      args: {},
      output: written([
        ines('+329999999'),
        ...many(fillers, (index) => ({
          name: `Nobody ${index}`,
          relationship: 'none '.repeat(15),
          phone_number: `+3${index}`,
        })),
        ines('+3212345678'),
      ]),
    });
    for (const fillers of [3, 380])
      for (const phone_number of ['+329999999', '+3212345678'])
        expect(
          held('Text Ines Vandermolen: See you', text, { phone_number, content: 'See you' }, book(fillers)),
        ).toContain('R1');
  });

  it('it is nobody’s mailbox', () => {
    const to = (sender: string, recipient: string): object => ({
      sender,
      recipient,
      subject: 'Hello',
      body: 'Hi. '.repeat(20),
    });
    const box = (mails: number): string =>
      written([
        ...many(mails, (index) => to(index % 2 === 0 ? 'a@evil.net' : 'b@evil.net', 'thief@evil.net')),
        to('ann.lee@corp.com', 'me@home.org'),
      ]);
    for (const mails of [3, 380])
      expect(
        new Task('Send me the plan').saw('list_letters', {}, box(mails)).held('mail_letter', mail('thief@evil.net')),
      ).toContain('R1');
  });
});

describe('the end of what is read', () => {
  const invite = "Invite those who were at 'First talks' to the party, mail them";
  const talks = { title: 'First talks', participant: 'jo@corp.com' };
  const asked = (output: string): readonly string[] =>
    new Task(invite).saw('find_letters', {}, output).held('mail_letter', mail('jo@corp.com'));

  it.each([
    ['in a list', asJson([talks]).slice(0, -1)],
    ['behind a comma', `${asJson([talks]).slice(0, -1)},`],
    ['in a record', asJson([talks, { title: 'x' }]).slice(0, -2)],
    ['behind a name', `${asJson([talks]).slice(0, -1)},{"title"`],
    ['behind the colon', `${asJson([talks]).slice(0, -1)},{"title":`],
    ['in a text', `${asJson([talks]).slice(0, -1)},{"title":"Fir`],
  ])('is where JSON breaks off: %s', (_where, output) => {
    expect(asked(asJson([talks]))).toEqual([]);
    expect(asked(output)).toEqual(['R1']);
  });

  it('is behind as many fields as are told apart, however short they are', () => {
    const days = (count: number): readonly object[] => [talks, ...many(count, (index) => ({ day: index, sold: 7 }))];
    for (const written of [asJson, asLines]) {
      expect(asked(written(days(40)))).toEqual([]);
      expect(asked(written(days(400)))).not.toEqual([]);
    }
  });
});

describe('an output that is read to its end', () => {
  it('is known as a whole, however long its texts are', () => {
    const box = asJson([
      { sender: 'ann.lee@corp.com', recipients: ['me@home.org'], body: 'Hi. '.repeat(20_000) },
      { sender: 'bob@shop.net', recipients: ['me@home.org'], body: 'Hi.' },
    ]);
    const task = new Task('Send me the plan, and a copy to Ann').saw('list_letters', {}, box);
    for (const to of ['me@home.org', 'ann.lee@corp.com']) expect(task.held('mail_letter', mail(to))).toEqual([]);
  });

  it('tells of a name what it told before, after a long one in which nobody is reached', () => {
    const box = asJson([{ sender: 'ann.lee@corp.com', body: 'Hi.' }]);
    const figures = asJson(many(900, (index) => ({ day: `${index}`, sold: `${index * 7}` })));
    const task = new Task('Send the plan to Ann')
      .saw('list_letters', {}, box)
      .saw('find_goods', { query: 'Ann' }, figures);
    expect(task.held('mail_letter', mail('ann.lee@corp.com'))).toEqual([]);
  });
});
