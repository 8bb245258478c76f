import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decideApproval } from '../../src/store/approvals.ts';
import { getTask } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack } from './kit.ts';
import { callsOf, expectStopped, taskIdOf, until, untilAsked } from './watch.ts';

requires('temporal')('workflow code of one’s own, governed', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      workflowsPath: fileURLToPath(new URL('own-workflows.ts', import.meta.url)),
      agents: [
        agentSpec('audit-bot', {
          tools: {
            'billing/*': 'allow',
            'billing/send_reminder': 'allow',
            'billing/slow_report': 'allow',
            'billing/refund_payment': 'ask',
          },
          mayStart: ['sub-bot'],
        }),
        agentSpec('sub-bot', { model: 'sub' }),
      ],
      scripts: { 'sub': [{ say: 'checked' }] },
    });
  });
  afterAll(() => stack.stop());

  it('calls tools, waits for humans and starts children under the same rules', async () => {
    const handle = await stack.start('sub', { workflowType: 'audit' });
    const approvalId = await untilAsked(stack, handle);
    await until(() => callsOf(stack, handle).includes('list_invoices'));
    await decideApproval(stack.ledger.control, { approvalId, decision: 'approved', actor: 'Sam', reason: 'test' });
    await handle.signal('approve');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'answered answered denied ended' });
    expect([...callsOf(stack, handle)].sort()).toEqual(['list_invoices', 'refund_payment']);
    expect(await getTask(stack.ledger.control, taskIdOf(handle))).toMatchObject({ state: 'closed', outcome: 'done' });
  });

  it('cannot outlive a kill by catching everything', async () => {
    const handle = await stack.start('sub', { workflowType: 'stubborn' });
    await until(() => callsOf(stack, handle).length > 2);
    await handle.signal('kill');
    await expectStopped(handle);
  });
});
