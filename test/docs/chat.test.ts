import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { sendToSlack } from '../../src/activities/notices/slack-channel.ts';
import type { SlackEndpoint } from '../../src/contract/notifications.ts';
import { parseConfig } from '../../src/runtime/config/load-config.ts';
import { getApproval, requestApproval } from '../../src/store/approvals.ts';
import { recordConfig } from '../../src/store/config-versions.ts';
import { listNotices, noteNews } from '../../src/store/notices.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { makeControl } from '../control/rig.ts';
import { type SlackShaped, startSlackShaped } from '../notices/slack-shaped.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, startTask } from '../store/ledger.ts';
import { blocksOf, readPage } from './documents.ts';

const page = readPage('docs/notifications.md');
const secrets: Readonly<Record<string, string>> = {
  'SLACK_TOKEN': 'xoxb-not-a-real-token',
  'slack-token': 'xoxb-not-a-real-token',
  'SLACK_SIGNING_SECRET': 'a-signing-secret-of-thirty-two-ch',
};
const readSecret = ({ env = '', file = '' }: { readonly env?: string; readonly file?: string }): string =>
  secrets[env] ?? secrets[file.split('/').at(-1) ?? ''] ?? '';

interface Written {
  readonly notifications: { readonly endpoints: Readonly<Record<string, object>> };
}

/** As it stands on the page, but for where Slack is. */
function chatsOf(slack: SlackShaped): readonly SlackEndpoint[] {
  const blocks = blocksOf(page).filter(({ language, text }) => language === 'yaml' && text.includes('type: slack'));
  return blocks.flatMap(({ text }) => {
    const written = parse(text) as Written; // blocks.test.ts holds it to the schema
    const { endpoints } = written.notifications;
    const there = { ...endpoints['ops-channel'], baseUrl: slack.baseUrl, network: 'loopback' };
    const whole = { notifications: { ...written.notifications, endpoints: { ...endpoints, 'ops-channel': there } } };
    const parsed = parseConfig(stringify(whole));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
    return (parsed.config.notifications?.endpoints ?? []).filter((one) => one.type === 'slack');
  });
}

it('notifications.md: its chat gets one card for a call that waits, and the person whom it names answers by a button', async () => {
  const slack = await startSlackShaped(secrets['SLACK_TOKEN'] ?? '');
  const [plain, withButtons] = chatsOf(slack);
  if (plain === undefined || withButtons?.buttons === undefined) throw new Error('the page has no such chats any more');
  const made = await makeControl([agentSpec('billing-bot', { owner: 'maya' })]);
  const config = {
    ...made.deps.config.current(),
    notifications: {
      endpoints: [withButtons],
      escalation: { events: [], steps: [], contacts: {}, onCall: [] },
      crowd: { stops: 20, withinMs: 60_000 },
    },
  };
  await recordConfig(made.deps.store, 'configuration', 'first', config);
  const { ledger } = made;
  const hash = 'ab'.repeat(32);
  const note = {
    tool: 'note',
    tier: 'write',
    hash,
    definition: '{}',
    labels: [],
    because: 'test',
    look: 'note',
  } as const;
  await noteTools(ledger.as('estop_gateway'), 'bank', [note]);
  const task = await startTask(ledger, agentSpec('billing-bot'));
  const approvalId = newId('appr');
  await requestApproval(ledger.as('estop_gateway'), {
    approvalId,
    taskId: task.taskId,
    tokenEpoch: task.epoch,
    toolKey: 'tool:bank/note',
    digest: digestOf(approvalId),
    shown: '{}',
    ttlMs: 60_000,
    ...terms,
    approvers: 1,
  });
  const store = ledger.as('estop_revoker');
  await noteNews(store, { windowMs: 60_000, crowd: 100, crowdMs: 60_000, flood: 1_000, lostMs: 60_000 });
  const [notice] = await listNotices(store, { subject: approvalId });
  if (notice === undefined) throw new Error('nobody is told of it');
  const telling = { store, environment: 'test', consoleUrl: 'https://estop.example.org', readSecret };
  for (const [endpoint, buttons] of [
    [{ ...plain, endpointId: 'without' }, 0],
    [withButtons, 2],
  ] as const) {
    await sendToSlack(telling, endpoint, notice, '', AbortSignal.timeout(10_000));
    const card = slack.messages.at(-1);
    expect(card?.channel).toBe('C024BE91L');
    expect(JSON.stringify(card?.blocks).match(/"action_id":"(?:approve|deny)"/g) ?? []).toHaveLength(buttons);
  }
  const [, path = ''] = /`https:\/\/<control>(\/v1\/slack\/[^`]+)`/.exec(page.text) ?? [];
  const payload = JSON.stringify({
    type: 'block_actions',
    team: { id: 'T0123456' },
    user: { id: 'U024BE7LH', name: 'olga' },
    channel: { id: 'C024BE91L' },
    actions: [{ action_id: 'approve', value: approvalId }],
  });
  const raw = new URLSearchParams({ payload }).toString();
  const at = String(Math.floor(Date.now() / 1_000));
  const signature = createHmac('sha256', readSecret({ env: 'SLACK_SIGNING_SECRET' })).update(`v0:${at}:${raw}`);
  const rig = made.withDeps({ config: { current: () => config }, readSecret });
  const answer = await rig.call('POST', path, {
    raw,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${signature.digest('hex')}`,
    },
  });
  expect([answer.status, answer.body]).toMatchObject([200, { outcome: 'approved' }]);
  expect(await getApproval(ledger.as('estop_control'), approvalId)).toMatchObject({
    state: 'approved',
    decidedBy: 'olga',
  });
});
