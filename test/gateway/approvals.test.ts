import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { startMcpServer } from '../../examples/demo/mcp-server.ts';
import { taskKey } from '../../src/core/scope-key.ts';
import { shownText } from '../../src/gateway/call/shown-text.ts';
import { readPolicyFolder } from '../../src/policy/read-folder.ts';
import { policiesFolder } from '../../src/runtime/package-root.ts';
import { decideApproval, getApproval } from '../../src/store/approvals.ts';
import type { TaskRecord } from '../../src/store/tasks.ts';
import { stop } from '../store/ledger.ts';
import {
  billingBot,
  callTool,
  closeAfterAll,
  makeRig,
  type Reply,
  type Rig,
  type RunningGateway,
  readerBot,
  until,
  untilFenced,
  untilReady,
} from './rig.ts';

let rig: Rig;
let gateway: RunningGateway;
beforeAll(async () => {
  rig = await makeRig();
  gateway = await rig.startGateway();
  await untilReady(gateway);
});

const refund = { invoice_id: 'INV-1', cents: 1_200 };
const askFor = async (task: TaskRecord, args: unknown = refund): Promise<Reply> =>
  callTool(gateway, await rig.token(task), 'billing__refund_payment', args);
const idOf = (reply: Reply): string => JSON.stringify(reply.meta['estop/approvalId']).replaceAll('"', '');
const decide = (approvalId: string, decision: 'approved' | 'denied' = 'approved') =>
  decideApproval(rig.ledger.as('estop_control'), { approvalId, decision, actor: 'anna', reason: 'looked at it' });

describe('a tool that a person must approve', () => {
  it('is called once after the approval, with the bytes that were shown', async () => {
    const task = await rig.startTask();
    const asked = await askFor(task);
    expect(asked).toMatchObject({ isError: true, meta: { 'estop/decision': 'needs-approval' } });
    expect(Date.parse(JSON.parse(JSON.stringify(asked.meta['estop/expiresAt'])) as string)).toBeGreaterThan(Date.now());
    expect(rig.calls(task)).toEqual([]);
    const approval = await getApproval(rig.ledger.as('estop_control'), idOf(asked));
    expect(approval?.shown).toBe('billing/refund_payment\n{\n  "cents": 1200,\n  "invoice_id": "INV-1"\n}');

    expect((await decide(idOf(asked))).kind).toBe('decided');
    // The same call in another spelling: other key order, other number spelling.
    expect(await askFor(task, { cents: 1200.0, invoice_id: 'INV-1' })).toMatchObject({
      isError: false,
      text: '1200 cents of INV-1 were paid back.',
    });
    expect(rig.calls(task).length).toBe(1);
    // It is spent: the same call again needs another person’s decision.
    const again = await askFor(task);
    expect(again.meta['estop/decision']).toBe('needs-approval');
    expect(idOf(again)).not.toBe(idOf(asked));
  });

  it('asks once however often it is asked for before the decision', async () => {
    const task = await rig.startTask();
    const ids = new Set<string>();
    for (let turn = 0; turn < 3; turn += 1) ids.add(idOf(await askFor(task)));
    expect(ids.size).toBe(1);
  });

  it.each([
    ['another amount', { ...refund, cents: 1_201 }],
    ['another invoice', { ...refund, invoice_id: 'INV-3' }],
  ])('is not called with %s than was approved', async (_what, changed) => {
    const task = await rig.startTask();
    await decide(idOf(await askFor(task)));
    expect((await askFor(task, changed)).meta['estop/decision']).toBe('needs-approval');
    expect(rig.calls(task)).toEqual([]);
  });

  it('is not called by another task with the approval of this one', async () => {
    const [mine, other] = [await rig.startTask(), await rig.startTask()];
    await decide(idOf(await askFor(mine)));
    expect((await askFor(other)).meta['estop/decision']).toBe('needs-approval');
  });

  it('is called exactly once when fifty redeem one approval at the same time', async () => {
    const task = await rig.startTask();
    await decide(idOf(await askFor(task)));
    const replies = await Promise.all(Array.from({ length: 50 }, () => askFor(task)));
    expect(replies.filter((reply) => !reply.isError).length).toBe(1);
    expect(rig.calls(task).length).toBe(1);
  });

  it('is not called after a denial, an expiry or a stop', async () => {
    const [denied, expired, stopped] = [await rig.startTask(), await rig.startTask(), await rig.startTask()];
    await decide(idOf(await askFor(denied)), 'denied');
    expect((await askFor(denied)).isError).toBe(true);

    const late = idOf(await askFor(expired));
    await decide(late);
    await rig.ledger.sql(
      "UPDATE estop.approvals SET expires_at = clock_timestamp() - interval '1 second' WHERE approval_id = $1",
      [late],
    );
    expect(idOf(await askFor(expired))).not.toBe(late);

    await decide(idOf(await askFor(stopped)));
    const { stopId } = await stop(rig.ledger, taskKey(stopped.taskId));
    await untilFenced(rig, stopId);
    expect((await askFor(stopped)).meta['estop/decision']).toBe('stopped');
    expect([...rig.calls(denied), ...rig.calls(expired), ...rig.calls(stopped)]).toEqual([]);
  });

  it('keeps its approval when the upstream cannot be reached', async () => {
    const task = await rig.startTask();
    const approvalId = idOf(await askFor(task));
    await decide(approvalId);
    await rig.upstream.stop();
    expect((await askFor(task)).meta['estop/reason']).toBe('upstream-unavailable');
    expect((await getApproval(rig.ledger.as('estop_control'), approvalId))?.state).toBe('approved');
  });
});

describe('an approval under rules that change', () => {
  const policies = readPolicyFolder(policiesFolder);
  let own: Rig;
  let first: RunningGateway;
  beforeAll(async () => {
    own = await makeRig();
    first = await own.startGateway();
    await untilReady(first);
  });
  const refundsOf = (gatewayNow: RunningGateway, token: string): Promise<Reply> =>
    callTool(gatewayNow, token, 'billing__refund_payment', refund);
  const gatewayWith = async (more: Readonly<Record<string, string>>): Promise<RunningGateway> => {
    const started = await own.startGateway({ policies: { ...policies, ...more } });
    await untilReady(started);
    return started;
  };

  const approved = async (): Promise<{ task: TaskRecord; token: string; approvalId: string }> => {
    const task = await own.startTask();
    const token = await own.token(task);
    const approvalId = idOf(await refundsOf(first, token));
    const decision = { approvalId, decision: 'approved', actor: 'anna', reason: '' } as const;
    await decideApproval(own.ledger.as('estop_control'), decision);
    return { task, token, approvalId };
  };

  it('is not worth anything once the policy denies the call, and is not spent on the denial', async () => {
    const { task, token, approvalId } = await approved();
    const stricter = await gatewayWith({
      'no-refunds.cedar': `@id("no-refunds") @deny("No refunds this week.")
forbid (principal, action == Action::"billing/refund_payment", resource);`,
    });
    const refused = await refundsOf(stricter, token);
    expect(refused.meta).toMatchObject({ 'estop/decision': 'denied', 'estop/reason': 'denied-by-policy' });
    expect((await getApproval(own.ledger.as('estop_control'), approvalId))?.state).toBe('approved');
    expect(own.calls(task)).toEqual([]);
  });

  it('is asked for anew once the policy is another one that asks as well', async () => {
    const { task, token, approvalId } = await approved();
    const other = await gatewayWith({
      'no-moon.cedar': `@id("no-moon") @deny("Nothing is done on the moon.")
forbid (principal, action, resource) when { context.environment == "moon" };`,
    });
    const again = await refundsOf(other, token);
    expect(again.meta['estop/decision']).toBe('needs-approval');
    expect(idOf(again)).not.toBe(approvalId);
    expect(own.calls(task)).toEqual([]);
  });

  it('is not worth anything for a server that was moved to another address meanwhile', async () => {
    const moved = await makeRig();
    const before = await moved.startGateway();
    await untilReady(before);
    const task = await moved.startTask();
    const token = await moved.token(task);
    const approvalId = idOf(await refundsOf(before, token));
    await decideApproval(moved.ledger.as('estop_control'), {
      approvalId,
      decision: 'approved',
      actor: 'anna',
      reason: '',
    });
    const elsewhere = await startMcpServer({
      logPath: join(moved.folder, 'elsewhere.jsonl'),
      token: 'upstream-secret',
    });
    closeAfterAll(() => elsewhere.stop());
    moved.configure((config) => ({
      ...config,
      toolServers: config.toolServers.map((server) => ({ ...server, url: elsewhere.url })),
    }));
    const after = await moved.startGateway();
    await untilReady(after);
    const again = await refundsOf(after, token);
    expect(again.meta['estop/decision']).toBe('needs-approval');
    expect(idOf(again)).not.toBe(approvalId);
    expect(elsewhere.calls()).toEqual([]);
  });

  it('needs two different people where the configuration says so, and says that it does', async () => {
    own.configure((config) => ({
      ...config,
      agents: [{ ...billingBot, approvers: { 'billing/*': 1, 'billing/refund_payment': 2 } }, readerBot],
    }));
    const task = await own.startTask();
    const token = await own.token(task);
    const approvalId = idOf(await refundsOf(first, token));
    const by = (actor: string) =>
      decideApproval(own.ledger.as('estop_control'), { approvalId, decision: 'approved', actor, reason: '' });
    expect((await by('anna')).kind).toBe('needs-second');
    expect((await refundsOf(first, token)).meta['estop/decision']).toBe('needs-approval');
    expect(own.calls(task)).toEqual([]);
    expect((await by('bert')).kind).toBe('decided');
    expect((await refundsOf(first, token)).isError).toBe(false);
    expect(own.calls(task).length).toBe(1);
  });
});

describe('asking for approvals', () => {
  let own: Rig;
  let gatewayNow: RunningGateway;
  beforeAll(async () => {
    own = await makeRig();
    gatewayNow = await own.startGateway();
    await untilReady(gatewayNow);
  });

  it('tells an agent that its call was denied a short while ago, and asks nobody again', async () => {
    const task = await own.startTask();
    const token = await own.token(task);
    const ask = (): Promise<Reply> => callTool(gatewayNow, token, 'billing__refund_payment', refund);
    const approvalId = idOf(await ask());
    await decideApproval(own.ledger.as('estop_control'), { approvalId, decision: 'denied', actor: 'anna', reason: '' });
    const again = await ask();
    expect(again.meta).toMatchObject({ 'estop/decision': 'denied', 'estop/reason': 'denied-before' });
    expect(own.calls(task)).toEqual([]);
  });

  it('ends where people would be flooded', async () => {
    own.configure((config) => ({
      ...config,
      agents: [{ ...billingBot, approvals: { maxOpen: 3, maxPerMinute: 100, quietAfterDenialMs: 1_000 } }, readerBot],
    }));
    const token = await own.token(await own.startTask());
    const ask = (cents: number): Promise<Reply> =>
      callTool(gatewayNow, token, 'billing__refund_payment', { ...refund, cents });
    const replies = await Promise.all(Array.from({ length: 10 }, (_, index) => ask(index + 1)));
    const open = replies.filter(({ meta }) => meta['estop/decision'] === 'needs-approval');
    expect(open.length).toBe(3);
    expect(replies.filter(({ meta }) => meta['estop/reason'] === 'too-many-approvals').length).toBe(7);
  });
});

describe('what an approver is shown', () => {
  it('spells out what hides or turns around, and is never cut short', async () => {
    const fresh = await makeRig();
    const own = await fresh.startGateway();
    await untilReady(own);
    fresh.configure((config) => ({
      ...config,
      agents: [{ ...billingBot, tools: { 'billing/send_reminder': 'ask' } }, readerBot],
    }));
    const task = await fresh.startTask();
    const token = await fresh.token(task);
    const note = 'pay\u202eyap\u200b now\u{e0041}\n\u001b[31m';
    const asked = await until(async () => {
      const reply = await callTool(own, token, 'billing__send_reminder', { invoice_id: 'INV-1', note });
      return reply.meta['estop/decision'] === 'needs-approval' && reply;
    });
    const approval = await getApproval(fresh.ledger.as('estop_control'), idOf(asked));
    expect(approval?.shown).toBe(
      'billing/send_reminder\n{\n  "invoice_id": "INV-1",\n  "note": "pay\\u202eyap\\u200b now\\udb40\\udc41\\n\\u001b[31m"\n}',
    );
    const long = await callTool(own, token, 'billing__send_reminder', {
      invoice_id: 'INV-1',
      note: '\u202e'.repeat(2_000).repeat(1),
    });
    expect(long.meta['estop/decision']).toBe('needs-approval');
    const whole = await getApproval(fresh.ledger.as('estop_control'), idOf(long));
    expect(whole?.shown.match(/\\u202e/g)?.length).toBe(2_000);
  });

  it('is nothing where it would be more than a person reads, as it is or as it is spelled out', () => {
    const shown = (note: string) => shownText({ serverId: 'billing', name: 'act' }, JSON.stringify({ note }));
    expect(shown('x'.repeat(10_000))).toContain('x'.repeat(10_000));
    for (const note of ['x'.repeat(20_000), '\u202e'.repeat(3_000)]) expect(shown(note)).toBeUndefined();
  });
});
