import type { NotificationsSpec, SlackEndpoint, WebhookEndpoint } from '../../src/contract/notifications.ts';

export const pagerSecret = `whsec_${Buffer.from('the newest secret of the pager, 32').toString('base64')}`;
export const olderSecret = `whsec_${Buffer.from('the older secret of the pager, 32b').toString('base64')}`;
export const chatToken = 'xoxb-not-a-real-token';

/** What the references of the endpoints below stand for. */
const secrets: Readonly<Record<string, string>> = { PAGER: pagerSecret, PAGER_OLD: olderSecret, CHAT: chatToken };
export const readSecret = ({ env = '' }: { readonly env?: string }): string => {
  const secret = secrets[env];
  if (secret === undefined) throw new Error(`no secret ${env}`);
  return secret;
};

export const everything = [
  'stop.*',
  'obligation.*',
  'approval.*',
  'breaker.*',
  'budget.*',
  'gateway.*',
  'policy.*',
  'tool.*',
  'trigger.*',
];

export const pager = (url: string, changes: Partial<WebhookEndpoint> = {}): WebhookEndpoint => ({
  endpointId: 'pager',
  type: 'webhook',
  url,
  secrets: [{ env: 'PAGER' }],
  events: everything,
  network: 'loopback',
  ...changes,
});

export const chat = (baseUrl: string, changes: Partial<SlackEndpoint> = {}): SlackEndpoint => ({
  endpointId: 'chat',
  type: 'slack',
  baseUrl,
  token: { env: 'CHAT' },
  channel: 'C0ESTOP',
  events: everything,
  network: 'loopback',
  ...changes,
});

export const spec = (changes: Partial<NotificationsSpec> = {}): NotificationsSpec => ({
  endpoints: [],
  escalation: { events: [], steps: [], contacts: {}, onCall: [] },
  crowd: { stops: 1_000, withinMs: 60_000 },
  ...changes,
});
