import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { sendToSlack } from '../../src/activities/notices/slack-channel.ts';
import { defaultSignIn, type EstopConfig } from '../../src/contract/config.ts';
import type { SlackEndpoint } from '../../src/contract/notifications.ts';
import type { TaskWorkflows } from '../../src/control/task-workflows.ts';
import type { Tier } from '../../src/core/flow/facts.ts';
import { getApproval, requestApproval } from '../../src/store/approvals.ts';
import { recordConfig } from '../../src/store/config-versions.ts';
import { listNotices, noteNews } from '../../src/store/notices.ts';
import { noteTools } from '../../src/store/tool-pins.ts';
import { startSlackShaped } from '../notices/slack-shaped.ts';
import { chat, chatToken, readSecret, spec } from '../notices/telling.ts';
import { terms } from '../store/calls.ts';
import { agentSpec, digestOf, newId, startTask } from '../store/ledger.ts';
import { type Answer, type ControlRig, field, makeControl } from './rig.ts';

const signingSecret = 'a-signing-secret-of-thirty-two-ch';
const endpoint: SlackEndpoint = chat('https://slack.example.org/api', {
  buttons: {
    signingSecret: { env: 'SIGNING' },
    teamId: 'T0OURS',
    people: [
      { userId: 'U0OLGA', actor: 'olga', roles: ['approver'] },
      { userId: 'U0RITA', actor: 'rita', roles: ['approver'] },
      { userId: 'U0OPER', actor: 'otto', roles: ['operator'] },
    ],
  },
});

describe('buttons in a chat', () => {
  let rig: ControlRig;
  const workflows: TaskWorkflows = {
    start: async () => 'started',
    tell: async () => true,
    ask: async () => undefined,
    isReachable: async () => true,
  };
  beforeAll(async () => {
    const made = await makeControl([agentSpec('billing-bot', { owner: 'maya' })]);
    const config = (): EstopConfig => ({
      ...made.deps.config.current(),
      notifications: spec({ endpoints: [endpoint, chat('https://slack.example.org/api', { endpointId: 'plain' })] }),
      toolServers: [{ serverId: 'bank', url: 'https://bank.example.org', tiers: { raised: 'destructive' } }],
    });
    rig = made.withDeps({ workflows, config: { current: config }, readSecret: () => signingSecret });
    await recordConfig(made.deps.store, 'configuration', 'first', config());
    const seen = (tool: string, tier: Tier) => ({
      tool,
      tier,
      hash: digestOf(tool).reduce((text, byte) => text + byte.toString(16).padStart(2, '0'), ''),
      definition: '{}',
      labels: [],
      because: 'test',
      look: tool,
    });
    await noteTools(rig.ledger.as('estop_gateway'), 'bank', [
      seen('note', 'write'),
      seen('pay', 'destructive'),
      seen('raised', 'write'),
    ]);
  });

  async function ask(tool = 'note', approvers: 1 | 2 = 1): Promise<string> {
    const task = await startTask(rig.ledger, agentSpec('billing-bot')); // requested by rita
    const approvalId = newId('appr');
    await requestApproval(rig.ledger.as('estop_gateway'), {
      approvalId,
      taskId: task.taskId,
      tokenEpoch: task.epoch,
      toolKey: `tool:bank/${tool}`,
      digest: digestOf(approvalId),
      shown: '{}',
      ttlMs: 60_000,
      ...terms,
      approvers,
    });
    return approvalId;
  }
  interface Press {
    readonly user?: string;
    readonly team?: string;
    readonly channel?: string;
    readonly action?: string;
    readonly at?: number;
    readonly secret?: string;
    readonly to?: string;
    readonly alter?: (body: string) => string;
  }
  const press = (approvalId: string, given: Press = {}, at: ControlRig = rig): Promise<Answer> => {
    const { user = 'U0OLGA', team = 'T0OURS', channel = endpoint.channel, action = 'approve' } = given;
    const payload = {
      type: 'block_actions',
      team: { id: team },
      user: { id: user, name: 'olga' },
      channel: { id: channel },
      actions: [{ action_id: action, value: approvalId }],
      response_url: 'http://169.254.169.254/latest/meta-data',
    };
    const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
    const timestamp = String(Math.floor((given.at ?? Date.now()) / 1_000));
    const digest = createHmac('sha256', given.secret ?? signingSecret)
      .update(`v0:${timestamp}:${body}`)
      .digest('hex');
    return at.call('POST', `/v1/slack/${given.to ?? 'chat'}/actions`, {
      raw: given.alter?.(body) ?? body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${digest}`,
      },
    });
  };
  const stateOf = async (approvalId: string) => (await getApproval(rig.ledger.as('estop_control'), approvalId))?.state;

  it('decides as the person that its user stands for, once', async () => {
    const approvalId = await ask();
    const answer = await press(approvalId);
    expect([answer.status, field(answer.body, 'outcome')]).toEqual([200, 'approved']);
    const record = await getApproval(rig.ledger.as('estop_control'), approvalId);
    expect(record).toMatchObject({ state: 'approved', decidedBy: 'olga', decisionReason: 'by a button in the chat' });
    const trail = await rig.call('GET', `/v1/audit?subject=${approvalId}`, { as: 'viewer' });
    const change = { before: { state: 'pending' }, after: { state: 'approved' } };
    const by = { actor: 'olga', method: 'slack', reason: 'by a button in the chat' };
    expect(field(trail.body, 'items')).toMatchObject([{ kind: 'approval.approved', ...by, ...change }]);
  });

  it('the card that was pressed is changed in its place: it says who decided, and nothing is left to press', async () => {
    const slack = await startSlackShaped(chatToken);
    const there = chat(slack.baseUrl, endpoint.buttons === undefined ? {} : { buttons: endpoint.buttons });
    const store = rig.ledger.as('estop_revoker');
    const telling = { store, environment: 'test', consoleUrl: 'https://estop.example.org', readSecret };
    const approvalId = await ask();
    const tellAll = async (): Promise<string> => {
      await noteNews(store, { windowMs: 60_000, crowd: 100, crowdMs: 60_000, flood: 1_000, lostMs: 60_000 });
      for (const notice of (await listNotices(store, { subject: approvalId })).toReversed())
        await sendToSlack(telling, there, notice, '', AbortSignal.timeout(10_000));
      return JSON.stringify(slack.messages[0]?.blocks);
    };
    expect(await tellAll()).toMatch(/"action_id":"approve".*"action_id":"deny"/);
    expect((await press(approvalId)).status).toBe(200);
    const drawn = await tellAll();
    expect([slack.messages.length, slack.messages[0]?.ts]).toEqual([1, '1700000000.000001']);
    expect(slack.messages[0]?.updates).toBeGreaterThan(0);
    expect(drawn).toMatch(/approved.*olga/i);
    expect(drawn).not.toMatch(/"action_id":"(?:approve|deny)"/);
  });

  it('whoever was put behind a button after a call had been asked for does not approve it by that button', async () => {
    const approvalId = await ask();
    const late = { userId: 'U0LATE', actor: 'late', roles: ['approver'] } as const;
    const before = rig.deps.config.current();
    const endpoints = (before.notifications?.endpoints ?? []).map((one) =>
      one.type === 'slack' && one.buttons !== undefined
        ? { ...one, buttons: { ...one.buttons, people: [...one.buttons.people, late] } }
        : one,
    );
    const after: EstopConfig = {
      ...before,
      ...(before.notifications && { notifications: { ...before.notifications, endpoints } }),
    };
    const changed = rig.withDeps({ config: { current: () => after } });
    const refused = await press(approvalId, { user: 'U0LATE' }, changed);
    expect([refused.status, field(refused.body, 'code')]).toEqual([403, 'approval-not-eligible']);
    await recordConfig(rig.deps.store, 'configuration', 'second', after);
    expect((await press(approvalId, { user: 'U0LATE', at: Date.now() + 1_000 }, changed)).status).toBe(403);
    expect((await press(await ask(), { user: 'U0LATE' }, changed)).status).toBe(200);
    expect((await press(approvalId, { user: 'U0LATE', action: 'deny' }, changed)).status).toBe(200);
    await recordConfig(rig.deps.store, 'configuration', 'third', before);
  });

  it('the very same press sent again within its five minutes does nothing', async () => {
    const approvalId = await ask();
    const at = Date.now();
    const all = await Promise.all(Array.from({ length: 10 }, () => press(approvalId, { action: 'deny', at })));
    expect(all.filter(({ body }) => field(body, 'outcome') === 'denied')).toHaveLength(1);
    expect(all.filter(({ body }) => field(body, 'outcome') === 'seen-before')).toHaveLength(9);
    const sentAgain =
      "SELECT coalesce(sum(times), 0)::int AS n FROM estop.refused_attempts WHERE because = 'sent-again'";
    await expect.poll(async () => (await rig.ledger.sql(sentAgain))[0]?.['n'], { timeout: 20_000 }).toBe(9);
  });

  it.each<[string, Press, number]>([
    ['six minutes old', { at: Date.now() - 360_000 }, 401],
    ['six minutes ahead', { at: Date.now() + 360_000 }, 401],
    ['altered on the way', { alter: (body) => body.replace('U0OLGA', 'U0OPER') }, 401],
    ['signed by somebody else', { secret: 'another-signing-secret-of-32-char' }, 401],
    ['to an endpoint that has no buttons', { to: 'plain' }, 401],
    ['to no endpoint', { to: 'nothing' }, 401],
    ['of another workspace', { team: 'T0OTHER' }, 403],
    ['of another channel', { channel: 'C0OTHER' }, 403],
    ['of a user that nobody named', { user: 'U0EVE' }, 403],
    ['of a button that is not ours', { action: 'toString' }, 403],
    ['of one who may not decide', { user: 'U0OPER' }, 403],
    ['of the one who asked for the task', { user: 'U0RITA' }, 403],
  ])('a press %s decides nothing', async (_what, given, status) => {
    const approvalId = await ask();
    const answer = await press(approvalId, given);
    expect(answer.status).toBe(status);
    expect(await stateOf(approvalId)).toBe('pending');
  });

  it('a press of a stranger, and one that nobody signed, are in the audit, as Slack calls whoever it was', async () => {
    await rig.ledger.sql('DELETE FROM estop.refused_attempts');
    const approvalId = await ask();
    const again = (given: Press) => [press(approvalId, given), press(approvalId, given)];
    const secret = 'another-signing-secret-of-32-char';
    await Promise.all([{ user: 'U0EVE' }, { team: 'T0OTHER' }, { user: '<b>eve</b>' }, { secret }].flatMap(again));
    const seen = async () => {
      const answer = await rig.call('GET', '/v1/audit?kind=attempt.refused', { as: 'viewer' });
      return (
        field(answer.body, 'items') as {
          actor: string;
          method: string;
          subject: string;
          detail: Record<string, unknown>;
        }[]
      )
        .map(({ actor, method, subject, detail }) => [actor, method, subject, detail['because']].join(' '))
        .toSorted();
    };
    const expected = [
      'slack:T0OTHER/U0OLGA slack slack:chat other-workspace',
      'slack:T0OURS/? slack slack:chat unknown-user',
      'slack:T0OURS/U0EVE slack slack:chat unknown-user',
      'unknown slack slack:chat forged-or-old',
    ];
    await expect.poll(seen, { timeout: 20_000 }).toEqual(expect.arrayContaining(expected));
  });

  it('what is destructive, was raised to that, is unknown, or needs two, is not approved here; it may be denied', async () => {
    for (const [tool, approvers] of [
      ['pay', 1],
      ['raised', 1],
      ['unheard-of', 1],
      ['note', 2],
    ] as const) {
      const approvalId = await ask(tool, approvers);
      expect((await press(approvalId)).status).toBe(403);
      expect(await stateOf(approvalId)).toBe('pending');
      expect((await press(approvalId, { action: 'deny', at: Date.now() - 2_000 })).status).toBe(200);
      expect(await stateOf(approvalId)).toBe('denied');
    }
  });

  it('is the same person under every name that estop.yaml gives them: nobody approves what they asked for', async () => {
    const config = rig.deps.config.current();
    const signIn = { ...defaultSignIn, persons: { rita: ['olga'] } };
    const named = rig.withDeps({ config: { current: () => ({ ...config, signIn }) } });
    const approvalId = await ask(); // requested by rita
    expect((await press(approvalId, { at: Date.now() - 3_000 }, named)).status).toBe(403);
    expect(await stateOf(approvalId)).toBe('pending');
  });

  it('decides nothing for a person who was disabled', async () => {
    await rig.ledger.sql(
      `INSERT INTO estop.people (person_id, issuer, subject, name, person, disabled_at)
        VALUES ($1, 'https://id.example.org', 's-olga', 'olga', 'olga', now())`,
      [newId('person')],
    );
    const approvalId = await ask();
    for (const action of ['approve', 'deny']) expect((await press(approvalId, { action })).status).toBe(403);
    expect(await stateOf(approvalId)).toBe('pending');
    await rig.ledger.sql('DELETE FROM estop.people');
  });

  it('what was let through by a button is worth nothing once whoever pressed it is behind it no more', async () => {
    let current = rig.deps.config.current();
    const before = current;
    const changed = rig.withDeps({ config: { current: () => current } });
    await rig.ledger.sql('DELETE FROM estop.approver_lists');
    const approvalId = await ask();
    expect((await press(approvalId, {}, changed)).status).toBe(200);
    expect(await stateOf(approvalId)).toBe('approved');
    const endpoints = (before.notifications?.endpoints ?? []).map((one) =>
      one.type === 'slack' && one.buttons !== undefined ? { ...one, buttons: { ...one.buttons, people: [] } } : one,
    );
    current = { ...before, ...(before.notifications && { notifications: { ...before.notifications, endpoints } }) };
    await changed.deps.approvers.say();
    expect(await stateOf(approvalId)).toBe('closed');
  });

  it('a refused press of somebody who is known is in the audit', async () => {
    const approvalId = await ask();
    await press(approvalId, { user: 'U0RITA' });
    await press(approvalId, { user: 'U0OPER', action: 'deny' });
    const lookedAt = await ask('pay');
    await press(lookedAt);
    const denied = await rig.ledger.sql(
      "SELECT actor, method, subject, detail->>'code' AS code FROM estop.audit WHERE kind = 'request.denied' AND subject LIKE ANY ($1) ORDER BY seq",
      [[`%${approvalId}`, `%${lookedAt}`]],
    );
    const subject = `/v1/approvals/${approvalId}`;
    expect(denied).toEqual([
      { actor: 'rita', method: 'slack', subject, code: 'approval-not-eligible' },
      { actor: 'otto', method: 'slack', subject, code: 'forbidden' },
      { actor: 'olga', method: 'slack', subject: `/v1/approvals/${lookedAt}`, code: 'approval-not-eligible' },
    ]);
  });
});
