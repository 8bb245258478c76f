/** A small office of invented tools, and what a test says about one call of a task in it. */
import { createHmac } from 'node:crypto';
import type { Origin } from '../../../src/core/flow/facts.ts';
import { type Judgement, judge } from '../../../src/core/flow/judge.ts';
import type { KeyedHash } from '../../../src/core/flow/keyed-hash.ts';
import { observe } from '../../../src/core/flow/observe.ts';
import { type Contact, openTaskFlow } from '../../../src/core/flow/open-flow.ts';
import { originOfParty } from '../../../src/core/flow/origin.ts';
import type { FlowDelta, TaskFlow } from '../../../src/core/flow/task-flow.ts';
import type { ToolDefinition } from '../../../src/core/flow/tool/tool-definition.ts';
import { proposeProfile, type ToolProfile } from '../../../src/core/flow/tool/tool-profile.ts';

export const hash: KeyedHash = (text) =>
  createHmac('sha256', 'a key of the tests').update(text).digest('base64url').slice(0, 16);

const text = (description: string): object => ({ type: 'string', description });
const texts = (description: string): object => ({ type: 'array', items: { type: 'string' }, description });
const tool = (
  name: string,
  description: string,
  properties: Readonly<Record<string, object>>,
  optional: readonly string[] = [],
): ToolDefinition => ({
  name,
  description,
  inputSchema: {
    type: 'object',
    properties,
    required: Object.keys(properties).filter((key) => !optional.includes(key)),
  },
});

export const definitions: readonly ToolDefinition[] = [
  tool('list_letters', 'Lists all letters in the post box.', {}),
  tool('find_letters', 'Finds letters by a word.', { query: text('A word') }),
  tool('open_page', 'Opens a web page.', { url: text('The URL') }),
  tool('show_file', 'Shows a file.', { path: text('Where it is') }),
  tool('find_goods', 'Finds goods in the shop.', { query: text('A word') }),
  tool('mail_letter', 'Mails a letter.', {
    recipients: texts('Email addresses'),
    subject: text('Subject'),
    body: text('Body'),
  }),
  tool('wire_money', 'Wires money.', {
    recipient: text('IBAN of the recipient'),
    amount: { type: 'number' },
    subject: text('Subject'),
  }),
  tool('erase_path', 'Erases a file or folder.', { path: text('What to erase') }),
  tool('new_file', 'Creates a local file.', { path: text('Where'), content: text('What is in it') }),
  tool('change_password', 'Changes the password of the account.', { password: text('The new password') }),
  tool('sign_into_shop', 'Logs in.', { username: text('User name'), password: text('Password') }),
  tool('login_shop', 'Login to the shop.', { username: text('User name'), password: text('Password') }),
  tool('basket_add_item', 'Adds an item to the basket.', { item_id: text('The item') }),
  tool('cancel_order', 'Cancels an order.', { order_id: text('The order') }),
  tool(
    'plan_event',
    'Creates an event in the calendar and invites everybody.',
    { title: text('Title'), start_time: text('When'), participants: texts('Addresses') },
    ['participants'],
  ),
  tool('fill_form', 'Submits a form of a web page.', {
    url: text('The URL'),
    field_ids: texts('Ids'),
    values: texts('Values'),
  }),
  tool('share_page', 'Shares a page with somebody.', {
    url: text('The URL'),
    recipient: text('Email address'),
    body: text('What to say'),
  }),
  tool('tell_room', 'Sends a message to a channel.', { channel: text('The channel'), body: text('Body') }),
  tool('list_rooms', 'Lists the channels.', {}),
  tool('plan_visit', 'Creates an event in the calendar.', { title: text('Title'), place: text('Where') }),
  tool('confirm_code', 'Verifies the action by a one-time code.', { otp: text('The code') }),
];

export const profiles: ReadonlyMap<string, ToolProfile> = new Map(
  definitions.map((definition) => [definition.name, proposeProfile(definition)]),
);

export function profile(name: string): ToolProfile {
  const found = profiles.get(name);
  if (found === undefined) throw new Error(`the office has no ${name}`);
  return found;
}

interface Opening {
  readonly own?: readonly string[];
  readonly contacts?: readonly Contact[];
}

/** A task, written as what the user asked and what was read so far. */
export class Task {
  readonly flow: TaskFlow;
  readonly deltas: FlowDelta[];

  constructor(request: string, { own = [], contacts = [] }: Opening = {}) {
    const { flow, delta } = openTaskFlow({ request, ownIdentities: own, contacts, hash });
    this.flow = flow;
    this.deltas = [delta];
  }

  saw(name: string, args: Readonly<Record<string, unknown>>, output: string): this {
    this.deltas.push(observe(this.flow, { profile: profile(name), args }, output));
    return this;
  }

  judge(name: string, args: Readonly<Record<string, unknown>>): Judgement {
    return judge(this.flow, { profile: profile(name), args });
  }

  /** Where somebody who is to be reached comes from. */
  found(recipient: string): Origin {
    return originOfParty(this.flow, recipient).origin;
  }

  /** The rules that hold the call, each once. */
  held(name: string, args: Readonly<Record<string, unknown>>): readonly string[] {
    return [...new Set(this.judge(name, args).findings.map(({ rule }) => rule))].sort();
  }
}

export const letter = (from: string, body: string, to = 'me@home.org'): string =>
  `- body: '${body.replaceAll("'", "''")}'\n  id_: '7'\n  recipients:\n  - ${to}\n  sender: ${from}\n  subject: Hello`;
