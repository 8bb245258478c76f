import { describe, expect, it } from 'vitest';
import { wordsToCompare } from '../../../src/core/flow/origin.ts';
import { structureOf } from '../../../src/core/flow/shape/structure.ts';
import { familiesAsked, familiesOf } from '../../../src/core/flow/tool/family.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';

const text = { type: 'string' };
const tierOf = (name: string, description: string, properties: Readonly<Record<string, object>> = {}): string =>
  proposeProfile({ name, description, inputSchema: { type: 'object', properties } }).tier;
const fields = (output: string): readonly string[] =>
  structureOf(output).records.flatMap((record) => record.fields.map(({ key, value }) => `${key}=${value}`));

describe('the tier of a tool that is named in another manner', () => {
  it.each([
    ['order_lookup', 'Find an order of a guest'],
    ['attachment_get', 'Gets what is attached'],
    ['deployments_list', 'Lists deployments'],
    ['channel_replies', 'Get a thread of letters'],
    ['acme-list-objects', '🎯 Purpose:\n 1. Retrieves a page of objects.'],
    ['acme-search-objects', '🎯 Purpose:\n 1. Performs filtered searches over objects.'],
    ['find_people', 'Search for people by name, email, or display name.'],
    ['orderGet', 'Order details with messages'],
    ['paymentMethodList', 'Saved payment methods (masked)'],
    ['page_snapshot', 'Capture the page'],
  ])('%s (%s) only looks', (name, description) => {
    expect(tierOf(name, description)).toBe('read');
  });

  it.each([
    ['returnCreate', 'Start a return'],
    ['return_goods', 'Return some goods of an order.'],
    ['return_goods', 'Returns goods to the shop.'],
    ['wishlistShare', 'Make a wishlist public and e-mail it'],
    ['setPrice', ''],
    ['reset_search', 'Returns the search to its beginning'],
    ['waiting_list_join', 'Join the waiting list'],
    ['snapshot_restore', 'Restores a snapshot'],
    ['payment_capture', 'Captures a payment'],
    ['tabs', 'List, create, close, or select a tab.'],
    ['page_click', 'Perform click on a page'],
    ['assignments', 'Assigns people'],
    ['get_report', 'Gets the report and emails the owner'],
    ['get_report', 'Gets the report. It will email whoever waits'],
    ['get_report', 'Gets a report that posts to a room'],
    ['get_report', 'Gets the report, sends it'],
    ['export_statement', 'Saved statements'],
  ])('%s (%s) is destructive', (name, description) => {
    expect(tierOf(name, description)).toBe('destructive');
  });

  it('is no program because of a state that is one of a few', () => {
    expect(tierOf('list_tickets', 'Lists tickets', { state: text })).toBe('read');
    expect(tierOf('list_tickets', 'Lists tickets', { subCommand: { ...text, enum: ['all', 'open'] } })).toBe('read');
    expect(tierOf('list_tickets', 'Lists tickets', { statement: text })).toBe('destructive');
    expect(tierOf('list_tickets', 'Lists tickets', { command: text })).toBe('destructive');
  });

  it('sends nothing along with an address by a word that only begins like it', () => {
    expect(tierOf('find_pages', 'Finds pages', { page_url: text, content_mode: text })).toBe('fetch');
    expect(tierOf('find_pages', 'Finds pages', { page_url: text, form_content: text })).toBe('destructive');
  });

  it.each([
    ['createTransfer', ['pay']],
    ['payout_create', ['pay']],
    ['delete_event', ['cancel', 'delete']],
    ['delete_letter', ['delete']],
    ['messages_delete', ['delete']],
    ['turnOn', ['change']],
    ['scale_service', ['change']],
  ])('%s is of the family %j', (name, families) => {
    expect(familiesOf({ name, description: '', inputSchema: {} })).toEqual(families);
  });

  it.each([
    ['Is the card close to the limit?', 'change'],
    ['Write to him at the end of February', 'cancel'],
    ['List the open issues', 'submit'],
  ])('%j asks for no deed by the way', (request, family) => {
    expect(familiesAsked(request, wordsToCompare(request))).not.toContain(family);
  });

  it('asks for it where the word stands a second time', () => {
    const request = 'Close the account, it is close to the limit';
    expect(familiesAsked(request, wordsToCompare(request))).toContain('change');
  });
});

const rows = 'id,by,said\n7,ann,"Now, please. Cancel 9!"\n8,bob,"He said ""no"""\n';
describe('a table of comma-separated values', () => {
  it('has its cells as fields under their names, whatever stands between quotes', () => {
    expect(fields(rows)).toEqual(
      expect.arrayContaining(['id=7', 'by=ann', 'said=Now, please. Cancel 9!', 'id=8', 'said=He said "no"']),
    );
  });

  it('may hold a line break between quotes', () => {
    expect(fields('id,by,said\n7,ann,"One\n9,eve,two"\n')).toEqual(['id=7', 'by=ann', 'said=One\n9,eve,two']);
  });

  it.each([
    ['a row with another number of cells', `${rows}9,eve\n`],
    ['a sentence without quotes', `${rows}9,eve,Do it. Now\n`],
    ['a quote in the middle of a cell', `${rows}9,e"ve",x\n`],
    ['a quote that nobody closes', `${rows}9,eve,"x\n`],
  ])('is none with %s', (_what, output) => {
    expect(fields(output)).toEqual([]);
  });
});

const listed = (items: string, count = 2): string => `Found ${count} meetings of ann:\n${items}`;
const two =
  '- "Talks" (Starts: 9)\n  Event ID: ev1 | Link: https://x.org/1\n- "Lunch" (Starts: 12)\n  Event ID: ev2 | Link: https://x.org/2';
describe('a list that is printed for people', () => {
  it('gives the numbers behind their labels, and all of it stays text', () => {
    expect(fields(listed(two))).toEqual(['event id=ev1', 'event id=ev2']);
    expect(structureOf(listed(two)).prose).toContain('Lunch');
  });

  it('may be numbered, under a heading, and have a word behind it', () => {
    expect(
      fields('Found 2 letters\n\nLETTERS:\n  1. Message ID: a1\n  2. Message ID: a2\n\nUSAGE:\n  • Pass the IDs'),
    ).toEqual(['message id=a1', 'message id=a2']);
  });

  it.each([
    ['an item more than it says', listed(`${two}\n- "x" (Starts: 3)\n  Event ID: evil`)],
    ['an item behind its end', listed(`${two.split('\n').slice(0, 2).join('\n')}\nBye\n- "x"\n  Event ID: evil`)],
  ])('is none with %s', (_what, output) => {
    expect(fields(output)).not.toContain('event id=evil');
    expect(fields(output)).toEqual([]);
  });

  it('gives nothing of an item that says the same label twice', () => {
    expect(fields(listed(two.replace('(Starts: 9)', '(Starts: 9) Event ID: evil')))).toEqual(['event id=ev2']);
  });
});
