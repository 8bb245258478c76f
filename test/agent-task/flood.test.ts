import { afterAll, beforeAll, expect, it } from 'vitest';
import { listApprovals } from '../../src/store/approvals.ts';
import { checkTask } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { callsOf, expectStopped, scheduledInAllRuns, taskIdOf, until, untilAsked } from './watch.ts';

const refund = { tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents: 5 } };

requires('temporal')('a task flooded with junk signals', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      agents: [
        agentSpec('billing-bot', { tools: { 'billing/refund_payment': 'ask', 'billing/list_invoices': 'allow' } }),
      ],
      scripts: {
        'refunds': [{ call: [refund] }, { say: 'refunded' }],
        'lists-and-thinks': [{ call: [{ tool: 'billing__list_invoices', arguments: {} }] }, { hang: true }],
      },
    });
  });
  afterAll(() => stack.stop());

  it('is killed after 10,000 of them, which cost it a handful of reads', { timeout: 400_000 }, async () => {
    const handle = await stack.start('refunds');
    const approvalId = await untilAsked(stack, handle);
    await flood(handle, 10_000, { approvalId, junk: 'x'.repeat(100) });
    // At 10,000 Temporal refuses every signal, until the task has continued as new, which it does as soon as it is let.
    await expect
      .poll(
        () =>
          handle.signal('kill').then(
            () => 'sent',
            () => 'refused',
          ),
        { timeout: 120_000, interval: 250 },
      )
      .toBe('sent');
    await expectStopped(handle);
    expect(callsOf(stack, handle)).toEqual([]);
    expect(await scheduledInAllRuns(stack, handle, 'approvalState')).toBeLessThan(200);
    const { items } = await listApprovals(stack.ledger.control, { taskId: taskIdOf(handle) });
    expect(items.map((approval) => approval.approvalId)).toEqual([approvalId]);
  });

  it('is latched in the middle of them; they can only delay its closing', {
    timeout: 120_000,
  }, async () => {
    const handle = await stack.start('refunds');
    await untilAsked(stack, handle);
    let isLatched = false;
    const flooding = flood(handle, 9_000, {}, () => isLatched);
    await handle.signal('kill');
    await until(async () => (await checkTask(stack.ledger.control, taskIdOf(handle)))?.stopId !== undefined);
    isLatched = true;
    expect(await flooding).toBeLessThan(9_000);
    await expectStopped(handle);
  });

  it('gives up a long call to its model rather than be filled up to where no kill is taken, and keeps what came of its calls before', {
    timeout: 240_000,
  }, async () => {
    const asked = () => stack.model.requests().filter((body) => JSON.stringify(body).includes('"lists-and-thinks"'));
    const handle = await stack.start('lists-and-thinks');
    await until(() => asked().length === 2);
    await flood(handle, 8_500, {});
    const currentRun = async () => (await stack.client.workflow.getHandle(handle.workflowId).describe()).runId;
    await expect.poll(currentRun, { timeout: 120_000, interval: 250 }).not.toBe(handle.firstExecutionRunId);
    await until(() => asked().length === 3);
    expect(JSON.stringify(asked().at(-1))).not.toContain('interrupted');
    expect(callsOf(stack, handle)).toEqual(['list_invoices']);
    await handle.signal('kill');
    await expectStopped(handle);
  });

  async function flood(handle: TaskHandle, signals: number, message: object, isEnough = () => false): Promise<number> {
    let sent = 0;
    for (; sent < signals && !isEnough(); sent += 50) {
      const batch = Array.from({ length: 50 }, (_, index) =>
        handle.signal(index % 2 === 0 ? 'approve' : 'nonsense', message),
      );
      await Promise.allSettled(batch);
    }
    return sent;
  }
});
