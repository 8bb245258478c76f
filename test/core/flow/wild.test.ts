/** What somebody who writes into outputs, or names a tool badly, tried against lists, words and keys as they are found in the wild. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/core/flow/judge.ts';
import { wordsOfName } from '../../../src/core/flow/language/stem.ts';
import { listingOf } from '../../../src/core/flow/shape/listing.ts';
import { isRelevant } from '../../../src/core/flow/tool/family.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';
import { Task } from './office.ts';

const profile = (name: string, description = '') =>
  proposeProfile({ name, description, inputSchema: { type: 'object', properties: { id: { type: 'string' } } } });

describe('a tool that acts', () => {
  it.each([
    ['ticket_status', 'Update status of a ticket'],
    ['availability', 'Set availability'],
    ['user_status', 'Post status'],
    ['account_balance', 'Transfer balance'],
    ['daily_report', 'Email report'],
    ['content', 'Move content'],
    ['time', 'Log time'],
    ['get_customer', 'Find customer and charge card'],
    ['check_balance', 'Check balance and transfer money'],
    ['get_goods', 'Finds and purchases goods'],
    ['list_jobs', 'Lists and runs jobs'],
    ['screenshot_share', ''],
    ['hover_click', ''],
    ['ls_delete', ''],
    ['cat_feeder', 'Feeds the cat'],
    ['zoom_meetings', 'Creates a Zoom meeting'],
  ])('is not taken for one that looks: %s, %j', (name, description) => {
    expect(profile(name, description).tier).toBe('destructive');
  });

  it.each([
    ['find_user', 'Find user by name, email or number'],
    ['take_screenshot', 'Takes a screenshot'],
    ['list_snapshots', ''],
    ['cat_file', ''],
    ['ls', ''],
    ['page_scroll', 'Scrolls the page'],
  ])('is told from %s, %j', (name, description) => {
    expect(profile(name, description).tier).toBe('read');
  });
});

describe('a list printed for people', () => {
  const list = (...items: readonly string[]): string => `Found ${items.length} events:\n${items.join('\n')}`;
  const valuesOf = (text: string) => listingOf(text)?.flatMap(({ fields }) => fields.map(({ value }) => value));

  it('gives the numbers under the label that every item has', () => {
    expect(valuesOf(list('- Sync | Event ID: x7', '- Standup | Event ID: x8'))).toEqual(['x7', 'x8']);
    expect(valuesOf(list('- Sync | Event ID: x7'))).toEqual(['x7']);
  });

  it.each([
    ['under another label', ['- Sync Order ID: evil | Event ID: x7', '- Standup | Event ID: x8']],
    ['under the label with a word of the title', ['- Sync Event ID: evil | Event ID: x7', '- Standup | Event ID: x8']],
    ['in a line of its own', ['- Sync | Event ID: x7\n  - Note ID: evil', '- Standup | Event ID: x8']],
    ['behind a carriage return', ['- Sync\r- a Event ID: evil\r', '- Standup | Event ID: x8']],
    ['where it is the only item', ['- Sync Order ID: evil | Event ID: x7']],
  ])('gives no number that a title adds %s', (_where, items) => {
    expect(valuesOf(list(...items))).not.toContain('evil');
  });
});

describe('an everyday request', () => {
  const guarded = (request: string) =>
    [...new Task(request).flow.families].filter((family) => family === 'delete' || family === 'execute');

  it.each([
    'Take the numbers out of my sheet and make a chart',
    'Take the recording off the server and summarise it',
    'I want to take my family out of the city, find hotels',
    'Fire off a mail to the service desk',
    'Initiate a return with the customer service',
    'Activate my job alerts',
  ])('neither deletes nor runs: %s', (request) => {
    expect(guarded(request)).toEqual([]);
  });

  it.each([
    ['Take him off the list', 'delete'],
    ['Take that song off of my playlist', 'delete'],
    ['Would you take the first one off my watchlist?', 'delete'],
    ['Fire up the engine', 'execute'],
    ['Activate the service and tell me', 'execute'],
  ])('is heard: %s', (request, family) => {
    expect(guarded(request)).toEqual([family]);
  });

  const held = (request: string) =>
    judge(new Task(request).flow, { profile: profile('delete_event'), args: {} }).findings.map(({ rule }) => rule);

  it('that wants a list returned does not end a meeting', () => {
    expect(held('Return me the list of events until the end of May')).toEqual(['R6']);
    expect(held('Cancel my meeting at the end of May')).toEqual([]);
    expect(held('Call the meeting off')).toEqual([]);
  });
});

describe('what stands behind the label of a key', () => {
  const heldWith = (output: string, word: string): readonly string[] => {
    const task = new Task('Mail jo@corp.com a summary').saw('find_letters', {}, output);
    return judge(task.flow, {
      profile: profile('mail_letter', 'Mails a letter'),
      args: { recipients: ['jo@corp.com'], subject: 'x', body: `About ${word} again` },
    }).findings.map(({ rule }) => rule);
  };

  it.each([
    ['Use the password reset-link below', 'reset-link'],
    ['order a pin 4-pack', '4-pack'],
    ['the secret GitHub gives', 'GitHub'],
    ['we are social 10:30', '10:30'],
    [`script sha512-${'aB3'.repeat(20)}`, `sha512-${'aB3'.repeat(20)}`],
  ])('may be a word as well: %s', (output, word) => {
    expect(heldWith(output, word)).toEqual([]);
  });

  it.each([
    ['the password Gneiss!26', 'Gneiss!26'],
    ['The password is reset-link', 'reset-link'],
    ['pass: x, pin: 4-pack', '4-pack'],
    ['Your social security number is 078-05-1120', '078-05-1120'],
    ['It is aB3dE5gH7jK9mN1p', 'aB3dE5gH7jK9mN1p'],
  ])('is told to nobody, and said once: %s', (output, word) => {
    expect(heldWith(output, word)).toEqual(['R4']);
  });
});

it('what a named person cancels is not deleted for it', () => {
  expect(isRelevant(['cancel', 'delete'], [], ['cancel'])).toBe(false);
  expect(isRelevant(['cancel', 'delete'], ['cancel'], [])).toBe(true);
  expect(isRelevant(['cancel'], [], ['cancel'])).toBe(true);
});

it('a long text without a space is not read again from each of its letters', () => {
  const cost = (length: number): number => {
    const { flow } = new Task('Mail jo@corp.com').saw('find_letters', {}, 'nothing');
    const mail = { recipients: ['jo@corp.com'], subject: 'x', body: 'a'.repeat(length) };
    const before = process.cpuUsage();
    judge(flow, { profile: profile('mail_letter', 'Mails a letter'), args: mail });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost(4000);
  // Quadratic, it is two hundred and fifty times as much.
  expect(cost(64_000)).toBeLessThan(60 * Math.max(cost(4000), 1000));
});

it('a long name in capitals is taken apart in one pass', () => {
  const cost = (letters: number): number => {
    const before = process.cpuUsage();
    expect(wordsOfName('A'.repeat(letters))).toHaveLength(1);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost(6000);
  // Quadratic, it is a hundred times as much.
  expect(cost(60_000)).toBeLessThan(40 * Math.max(cost(6000), 1000));
});
