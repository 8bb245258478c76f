import { describe, expect, it } from 'vitest';
import type { ToolDefinition } from '../../../src/core/flow/tool/tool-definition.ts';
import { proposeProfile } from '../../../src/core/flow/tool/tool-profile.ts';

const schema = (...names: readonly string[]): object => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  required: names,
});
const tier = (name: string, description: string, ...names: readonly string[]): string =>
  proposeProfile({ name, description, inputSchema: schema(...names) }).tier;
const role = (argument: string, description = '', tool = 'send_thing'): string | undefined =>
  proposeProfile({
    name: tool,
    description: 'Sends a thing.',
    inputSchema: { type: 'object', properties: { [argument]: { type: 'string', description } }, required: [argument] },
  }).arguments[0]?.role;

describe('the tier of a tool never seen', () => {
  it.each([
    ['readFile', 'Reads a file.', ['path']],
    ['list-open-invoices', 'Lists invoices.', []],
    ['order_history', 'Returns past orders.', []],
    ['transfer_status', 'Gets the status of a transfer.', ['transfer_id']],
    ['web_search', 'Performs a search.', ['query']],
    ['get_sent_messages', 'Returns messages.', []],
    ['hotels_in_city', 'Gets hotels in the city.', ['city']],
    ['get_owner', 'Gets the owner of a domain.', ['domain']],
    ['get_name_and_address', 'Gets both.', ['customer_id']],
    ['parcels.get', 'One parcel', ['id']],
    ['Vendor_Note_List', 'Lists notes.', []],
    ['memo.find', 'Notizen suchen', ['text']],
    ['getEchoes', 'Comments that mention the user', []],
    ['channel_history', 'Messages of a channel, newest last', ['channel']],
  ])('%s only looks', (name, description, names) => {
    expect(tier(name, description, ...names)).toBe('read');
  });

  it.each([
    ['read_and_forward', 'Reads a letter.', ['to']],
    ['get_report', 'Generates the report and emails it to the owner.', []],
    ['view_order', 'Shows an order. It will also cancel it when it is late.', ['order_id']],
    ['browser_click', 'Perform click on a page', ['element']],
    ['check_in', 'Checks in a guest.', ['guest_id']],
    ['query', 'Run a read-only query', ['sql']],
    ['frobnicate', 'Does it.', ['thing']],
    ['frobnicate', '', []],
    ['get_page', 'Gets a page.', ['url', 'body']],
    ['create_user', 'Creates a user.', ['name']],
    ['create_api_key', 'Creates a key.', ['name']],
    ['overwrite_file', 'Writes a file.', ['path']],
    ['mark_as_read', 'Marks a message as read.', ['message_id']],
    ['add_member', 'Adds a member to the team.', ['user']],
    ['lookup_tool', 'Sends the query to a partner.', ['query']],
    ['access_grant', 'Lets somebody into the records.', ['person', 'until']],
    ['access_share', 'Gives an outside person access to the room.', ['email']],
    ['report_send', 'The report, by mail.', ['report_id']],
    ['parcels.delete_then_list', '', []],
    ['add_to_list', '', []],
    ['update_list', 'Ändert die Liste', []],
    ['create_list', '', []],
    ['set_query', '', []],
    ['save_search', 'Speichert eine Suche', []],
    ['reset_search', '', []],
    ['profile', 'Ändert das Profil', []],
    ['user_metadata', '', []],
    ['mark_as_read', '', []],
  ])('%s (%s) is destructive', (name, description, names) => {
    expect(tier(name, description, ...names)).toBe('destructive');
  });

  it.each([
    ['open_page', 'Opens a page.', ['url']],
    ['download', 'Downloads a file.', ['url', 'folder']],
    ['get_feed', 'Gets a feed.', ['uri']],
    ['get_weather', 'Gets the weather.', ['endpoint']],
  ])('%s fetches', (name, description, names) => {
    expect(tier(name, description, ...names)).toBe('fetch');
  });

  it('an address that only its format shows is fetched', () => {
    const inputSchema = { type: 'object', properties: { where: { type: 'string', format: 'uri' } } };
    expect(proposeProfile({ name: 'get_feed', description: 'Gets a feed.', inputSchema }).tier).toBe('fetch');
  });

  it.each([
    ['create_folder', 'Creates a folder.', ['path']],
    ['basket_add', 'Adds to the basket.', ['item_id']],
    ['login', 'Login.', ['username', 'password']],
  ])('%s is local and additive', (name, description, names) => {
    expect(tier(name, description, ...names)).toBe('write');
  });

  it('a one-time code completes what was judged already, a code that names something does not', () => {
    expect(tier('confirm_payment', 'Confirms by the one-time code.', 'otp')).toBe('code');
    expect(tier('confirm_payment', 'Confirms by the one-time code.', 'otp', 'recipient')).toBe('destructive');
    expect(tier('redeem', 'Redeems a voucher.', 'code')).toBe('destructive');
  });

  it('annotations raise a tier and never lower it', () => {
    const annotated = (name: string, annotations: object): string =>
      proposeProfile({ name, description: '', inputSchema: schema(), annotations }).tier;
    expect(annotated('list_things', { destructiveHint: true })).toBe('destructive');
    expect(annotated('list_things', { readOnlyHint: false })).toBe('write');
    expect(annotated('delete_things', { readOnlyHint: true, destructiveHint: false })).toBe('destructive');
    expect(annotated('frobnicate', { readOnlyHint: true })).toBe('destructive');
  });

  it('what a person decided holds instead of the proposal', () => {
    expect(proposeProfile({ name: 'frobnicate' }, { tier: 'read' })).toMatchObject({
      tier: 'read',
      because: 'reviewed',
    });
  });
});

describe('the role of an argument', () => {
  it.each([
    ['recipients', 'party'],
    ['userEmail', 'party'],
    ['to', 'party'],
    ['iban', 'party'],
    ['webhook_url', 'url'],
    ['href', 'url'],
    ['file_path', 'path'],
    ['api_key', 'secret'],
    ['newPassword', 'secret'],
    ['orderId', 'ref'],
    ['message_ids', 'ref'],
    ['title', 'text'],
    ['amount', undefined],
    ['start_date', undefined],
    ['page_token', undefined],
    ['max_tokens', undefined],
    ['currency_code', undefined],
    ['body', undefined],
  ])('%s is %s', (argument, expected) => {
    expect(role(argument)).toBe(expected);
  });

  it('a description says what a name does not', () => {
    expect(role('target', 'IBAN of the recipient')).toBe('party');
    expect(role('where', 'The URL to call')).toBe('url');
    expect(role('address', 'Shipping address')).toBeUndefined();
  });

  it('a path is checked where something stands at risk', () => {
    const path = (name: string): unknown =>
      proposeProfile({ name, description: '', inputSchema: schema('path') }).arguments[0]?.role;
    expect(path('delete_thing')).toBe('path');
    expect(path('create_file')).toBeUndefined();
  });

  it.each<unknown>([
    null,
    7,
    'x',
    [],
    { properties: null },
    { properties: { a: null } },
    { properties: { a: { anyOf: [null, 3] } }, required: 5 },
  ])('a schema like %j is no obstacle', (inputSchema) => {
    const definition: ToolDefinition = { name: 'delete_it', inputSchema };
    expect(proposeProfile(definition).tier).toBe('destructive');
  });

  it('a schema without end is no obstacle', () => {
    const items: Record<string, unknown> = { type: 'array' };
    items['items'] = items;
    expect(proposeProfile({ name: 'delete_it', inputSchema: { properties: { a: items } } }).tier).toBe('destructive');
  });
});
