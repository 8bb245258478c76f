import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Receipt } from '../../src/contract/agent-task.ts';
import { decideApproval, listApprovals } from '../../src/store/approvals.ts';
import { getTask, setTaskHeld } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { callsOf, scheduled, taskIdOf, until, untilAsked, untilState } from './watch.ts';

const list = { tool: 'billing__list_invoices', arguments: {} };
const refund = { tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents: 5 } };

requires('temporal')('a task that waits', () => {
  let stack: Stack;
  beforeAll(async () => {
    const asks = {
      tools: {
        'billing/*': 'allow',
        'billing/send_reminder': 'allow',
        'billing/slow_report': 'allow',
        'billing/refund_payment': 'ask',
      },
    } as const;
    stack = await startStack({
      agents: [
        agentSpec('billing-bot', asks),
        agentSpec('hasty-bot', { ...asks, limits: { ...agentSpec('x').limits, approvalTtlMs: 1_500 } }),
      ],
      scripts: {
        'refunds': [{ call: [refund] }, { say: 'refunded' }],
        'lists': [...Array.from({ length: 5 }, () => ({ call: [list] })), { say: 'listed' }],
        'for-ever': [{ call: [list], tokens: 1 }],
      },
    });
  });
  afterAll(() => stack.stop());

  it('makes the call once a person has approved it and it was woken', async () => {
    const handle = await stack.start('refunds');
    const approvalId = await untilAsked(stack, handle);
    expect(await decide(approvalId, 'approved')).toMatchObject({ kind: 'decided' });
    await handle.signal('approve', { approvalId });
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'refunded' });
    expect(callsOf(stack, handle)).toEqual(['refund_payment']);
  });

  it('does not make the call that was denied, and the model is told', async () => {
    const handle = await stack.start('refunds');
    const approvalId = await untilAsked(stack, handle);
    await decide(approvalId, 'denied');
    await handle.signal('approve', { approvalId });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(callsOf(stack, handle)).toEqual([]);
    expect(JSON.stringify(stack.model.requests().at(-1))).toContain('Denied: The approval was denied.');
  });

  it('takes an approval that expires undecided for a denial', async () => {
    const handle = await stack.start('refunds', { agentId: 'hasty-bot' });
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(callsOf(stack, handle)).toEqual([]);
    expect(JSON.stringify(stack.model.requests().at(-1))).toContain('Denied: Nobody approved it in time.');
  });

  it('believes no forged approve: it reads the store once and waits on', async () => {
    const handle = await stack.start('refunds');
    const approvalId = await untilAsked(stack, handle);
    await handle.signal('approve', { approvalId, decision: 'approved', decidedBy: 'Eve' });
    const reads = () => scheduled(handle, 'approvalState');
    const sends = () => scheduled(handle, 'callToolThenModel');
    await until(async () => (await reads()) === 1 || (await sends()) !== 1);
    expect([await reads(), await sends()]).toEqual([1, 1]);
    expect(await stack.status(handle)).toMatchObject({ state: 'awaiting-approval', openApprovals: [approvalId] });
    expect(callsOf(stack, handle)).toEqual([]);
    await handle.signal('approve', { approvalId: 'appr_test_00000000000000000000000000' });
    await sleep(1_500); // longer than the gap after which it would look again
    expect(await scheduled(handle, 'approvalState')).toBe(1);
    await handle.signal('kill');
    expect(await handle.result()).toMatchObject({ outcome: 'stopped' });
  });

  it('reads the store at most once a second, however often it is woken', async () => {
    const handle = await stack.start('refunds');
    const approvalId = await untilAsked(stack, handle);
    const begun = Date.now();
    for (let count = 0; count < 40; count += 1) {
      await handle.signal('approve', { approvalId });
      await handle.executeUpdate('receipt');
    }
    const seconds = Math.ceil((Date.now() - begun) / 1_000);
    expect(await scheduled(handle, 'approvalState')).toBeLessThanOrEqual(seconds + 1);
    await handle.signal('kill');
    await handle.result();
  });

  it('waits no longer than it was told, also where the store’s clock is behind', async () => {
    const handle = await stack.start('refunds', { agentId: 'hasty-bot' });
    // Not the task's own state: that may be over before a starved test looks.
    await until(async () => (await approvalsOf(handle)).length > 0);
    await stack.ledger.superuser.query(
      `UPDATE estop.approvals SET expires_at = now() + interval '1 day' WHERE task_id = $1`,
      [taskIdOf(handle)],
    );
    expect(await handle.result()).toMatchObject({ outcome: 'done' });
    expect(callsOf(stack, handle)).toEqual([]);
  });

  it('is not approved by whoever asked for the task', async () => {
    const handle = await stack.start('refunds');
    const approvalId = await untilAsked(stack, handle);
    expect(await decide(approvalId, 'approved', 'Bea')).toMatchObject({ kind: 'not-eligible' });
    await handle.signal('kill');
    await handle.result();
  });

  it('does nothing while it is held, and goes on when it is released', async () => {
    const handle = await stack.start('for-ever', { limits: { maxSteps: 10_000 } });
    await until(() => callsOf(stack, handle).length > 1);
    await handle.signal('hold', { messageId: 'hold-1' });
    await untilState(stack, handle, 'held');
    await until(() => idle(handle));
    const before = callsOf(stack, handle).length;
    await handle.signal('hold', { messageId: 'hold-1' });
    expect(await handle.executeUpdate<Receipt, [object]>('receipt', { args: [{ messageId: 'hold-1' }] })).toEqual({
      state: 'held',
      seen: true,
    });
    expect(callsOf(stack, handle).length).toBe(before);
    await handle.signal('release', { messageId: 'release-1' });
    await until(() => callsOf(stack, handle).length > before + 1);
    // A hold that was handled before, and arrives once more, holds nothing.
    await handle.signal('hold', { messageId: 'hold-1' });
    expect(await handle.executeUpdate<Receipt, []>('receipt')).toEqual({ state: 'running', seen: false });
    await handle.signal('kill');
    expect(await handle.result()).toMatchObject({ outcome: 'stopped' });
  });

  it('obeys the hold of the ledger, also when no signal tells it', async () => {
    const handle = await stack.start('lists');
    await setTaskHeld(stack.ledger.control, taskIdOf(handle), true, 'Sam');
    await until(() => stack.logged.some((line) => line.includes(handle.workflowId) && line.includes('"code":"held"')));
    await setTaskHeld(stack.ledger.control, taskIdOf(handle), false, 'Sam');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'listed' });
    expect(callsOf(stack, handle)).toHaveLength(5);
  });

  it('refuses a receipt that it cannot read, at once and without harm', async () => {
    const handle = await stack.start('refunds');
    await untilAsked(stack, handle);
    await expect(handle.executeUpdate('receipt', { args: [{ messageId: 'x'.repeat(1_000) }] })).rejects.toThrow();
    await expect(handle.executeUpdate('receipt', { args: [7] })).resolves.toMatchObject({ seen: false });
    await handle.signal('kill');
    await handle.result();
  });

  it('continues as new with what it waits for, asks no second human, and forgets no message', async () => {
    const handle = await stack.start('refunds', { limits: { continueAfterEvents: 20 } });
    const approvalId = await untilAsked(stack, handle);
    await handle.signal('hold', { messageId: 'hold-9' });
    await handle.signal('release');
    for (let count = 0; count < 10; count += 1) await handle.signal('approve', { approvalId });
    await until(async () => (await currentRun(handle)) !== handle.firstExecutionRunId);
    const latest = stack.client.workflow.getHandle(handle.workflowId) as TaskHandle; // the same type of workflow, without its first run
    expect(await stack.status(latest)).toMatchObject({
      state: 'awaiting-approval',
      step: 1,
      openApprovals: [approvalId],
    });
    await latest.signal('hold', { messageId: 'hold-9' });
    expect(await latest.executeUpdate<Receipt, [object]>('receipt', { args: [{ messageId: 'hold-9' }] })).toEqual({
      state: 'awaiting-approval',
      seen: true,
    });
    expect((await latest.query<readonly object[]>('timeline')).length).toBeGreaterThan(2);
    await decide(approvalId, 'approved');
    await latest.signal('approve', { approvalId });
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'refunded', steps: 2 });
    expect(callsOf(stack, handle)).toEqual(['refund_payment']);
    expect(await approvalsOf(handle)).toHaveLength(1);
  });

  it('looks at once in its next run for what was decided while the last one ended', { timeout: 50_000 }, async () => {
    const handle = await stack.start('refunds', { limits: { continueAfterEvents: 60 } });
    const approvalId = await untilAsked(stack, handle);
    await decide(approvalId, 'approved');
    for (let count = 0; (await currentRun(handle)) === handle.firstExecutionRunId && count < 30; count += 1) {
      await handle.signal('hold').catch(() => undefined); // it may be done already
      await handle.signal('release').catch(() => undefined);
    }
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'refunded' });
    expect(callsOf(stack, handle)).toEqual(['refund_payment']);
  });

  it('continues as new in the middle of its work, and makes each call once', async () => {
    const handle = await stack.start('lists', { limits: { continueAfterEvents: 20 } });
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'listed', steps: 6 });
    expect(await currentRun(handle)).not.toBe(handle.firstExecutionRunId);
    expect(callsOf(stack, handle)).toHaveLength(5);
  });

  it('is ended by Temporal’s own cancel and terminate', async () => {
    const cancelled = await stack.start('refunds');
    await untilAsked(stack, cancelled);
    await cancelled.cancel();
    await expect(cancelled.result()).rejects.toThrow(/cancelled/i);
    expect((await cancelled.describe()).status.name).toBe('CANCELLED');
    expect(await getTask(stack.ledger.control, taskIdOf(cancelled))).toMatchObject({
      state: 'closed',
      outcome: 'cancelled',
    });
    const terminated = await stack.start('refunds');
    await untilAsked(stack, terminated);
    await terminated.terminate('test');
    await expect(terminated.result()).rejects.toThrow();
  });

  const decide = (approvalId: string, decision: 'approved' | 'denied', actor = 'Sam') =>
    decideApproval(stack.ledger.control, { approvalId, decision, actor, reason: 'test' });
  const approvalsOf = async (handle: TaskHandle) =>
    (await listApprovals(stack.ledger.control, { taskId: taskIdOf(handle) })).items;
  const currentRun = async ({ workflowId }: TaskHandle) =>
    (await stack.client.workflow.getHandle(workflowId).describe()).runId;
  const idle = async (handle: TaskHandle) => ((await handle.describe()).raw.pendingActivities ?? []).length === 0;
});
