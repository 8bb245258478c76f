import { setTimeout as sleep } from 'node:timers/promises';
import { startTaskTool } from '../../src/contract/agent-task.ts';
import { decideApproval } from '../../src/store/approvals.ts';
import { agentSpec, type Stack, type StartOptions, startStackOn, type TaskHandle } from '../agent-task/stack.ts';
import { steeredConnector } from '../agent-task/steered-connector.ts';
import type { RecordedHistory, Scenario } from './scenario.ts';

const list = { tool: 'billing__list_invoices', arguments: {} };
const refund = { tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents: 5 } };

/** agentTask on each of its roads. */
export const recordAgentTasks: Scenario = async (ground) => {
  const stack = await startStackOn(ground, {
    sealed: false,
    stopProcess: (url) => url,
    connectors: steeredConnector().directory,
    agents: [
      agentSpec('billing-bot', {
        tools: {
          'billing/*': 'allow',
          'billing/send_reminder': 'allow',
          'billing/slow_report': 'allow',
          'billing/refund_payment': 'ask',
        },
        grants: [{ name: 'db', connector: 'db', lifeMs: 60_000, options: {} }],
        mayStart: ['sub-bot'],
      }),
      agentSpec('sub-bot', { model: 'sub' }),
    ],
    scripts: {
      'lists': [...Array.from({ length: 4 }, () => ({ call: [list] })), { say: 'listed' }],
      'refunds': [{ call: [refund] }, { say: 'refunded' }],
      'delegates': [
        { call: [{ tool: startTaskTool, arguments: { agentId: 'sub-bot', prompt: 'Do a part.' } }] },
        { say: 'all done' },
      ],
      'sub': [{ say: 'the part is done' }],
      'thinks': [{ hang: true }],
      'fails': [{ status: 400 }],
    },
  });
  try {
    return [
      ...(await run(stack, 'agent-task-done', 'lists')),
      ...(await run(stack, 'agent-task-child', 'delegates')),
      ...(await run(stack, 'agent-task-failed', 'fails')),
      ...(await run(stack, 'agent-task-continued', 'lists', undefined, { limits: { continueAfterEvents: 20 } })),
      ...(await run(stack, 'agent-task-killed', 'thinks', async (handle) => {
        await sleep(700);
        await handle.signal('kill', { actor: 'Sam', reason: 'test' });
      })),
      ...(await run(stack, 'agent-task-killed-by-stop', 'thinks', async (handle) => {
        await sleep(700);
        await handle.signal('kill', { actor: 'Sam', reason: 'test', stopId: 'stop_test_0123456789abcdefghjkmnpqrs' });
      })),
      ...(await run(stack, 'agent-task-cancelled', 'thinks', async (handle) => {
        await sleep(700);
        await handle.cancel();
      })),
      ...(await run(stack, 'agent-task-held', 'lists', async (handle) => {
        await handle.signal('hold', { messageId: 'hold-1' });
        await handle.executeUpdate('receipt', { args: [{ messageId: 'hold-1' }] });
        await sleep(300);
        await handle.signal('release');
      })),
      ...(await run(stack, 'agent-task-approved', 'refunds', (handle) =>
        decideAfterForgery(stack, handle, 'approved'),
      )),
      ...(await run(stack, 'agent-task-denied', 'refunds', (handle) => decideAfterForgery(stack, handle, 'denied'))),
      ...(await run(stack, 'agent-session-idle', 'lists', undefined, { session: session(1_500) })),
      ...(await run(stack, 'agent-session-continued', 'lists', undefined, {
        session: session(6_000),
        limits: { continueAfterEvents: 20 },
      })),
      ...(await run(
        stack,
        'agent-session-closed',
        'lists',
        async (handle) => {
          await handle.signal('hold');
          await sleep(1_200);
          await handle.signal('release');
          await handle.signal('close', { actor: 'Olga' });
        },
        { session: session(60_000) },
      )),
      ...(await run(
        stack,
        'agent-session-killed',
        'lists',
        async (handle) => {
          await sleep(1_200);
          await handle.signal('kill', { actor: 'Sam', reason: 'test' });
        },
        { session: session(60_000) },
      )),
    ];
  } finally {
    await stack.stop();
  }
};

const session = (idleMs: number) => ({ idleMs, endsAt: new Date(Date.now() + 3_600_000).toISOString() });

async function run(
  stack: Stack,
  name: string,
  script: string,
  meanwhile?: (handle: TaskHandle) => Promise<void>,
  options: StartOptions = {},
): Promise<readonly RecordedHistory[]> {
  const handle = await stack.start(script, options);
  await meanwhile?.(handle);
  await handle.result().catch(() => undefined); // some are meant to fail
  return historiesOf(stack, name, handle.workflowId);
}

/** Every run of it, oldest first, numbered if there are several. */
async function historiesOf(stack: Stack, name: string, workflowId: string): Promise<readonly RecordedHistory[]> {
  const histories: RecordedHistory['history'][] = [];
  let runId: string | null | undefined = (await stack.client.workflow.getHandle(workflowId).describe()).runId;
  while (runId) {
    const history: RecordedHistory['history'] = await stack.client.workflow.getHandle(workflowId, runId).fetchHistory();
    histories.unshift(history);
    runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
  }
  if (histories.length === 1) return histories.map((history) => ({ name, workflowId, history }));
  return histories.map((history, index) => ({ name: `${name}-${index + 1}`, workflowId, history }));
}

async function decideAfterForgery(stack: Stack, handle: TaskHandle, decision: 'approved' | 'denied'): Promise<void> {
  let approvalId: string | undefined;
  while (approvalId === undefined) {
    await sleep(100);
    approvalId = (await stack.status(handle)).openApprovals[0];
  }
  await handle.signal('approve', { approvalId, decision: 'approved' });
  await sleep(300);
  await decideApproval(stack.ledger.control, { approvalId, decision, actor: 'Sam', reason: 'test' });
  await handle.signal('approve', { approvalId });
}
