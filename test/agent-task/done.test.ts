import { afterAll, beforeAll, expect, it } from 'vitest';
import { getTask } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack } from './kit.ts';

const list = { tool: 'billing__list_invoices', arguments: {} };

requires('temporal')('an agent task', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      agents: [agentSpec('billing-bot')],
      scripts: {
        'two-calls': [
          { call: [list] },
          { call: [{ tool: 'billing__get_invoice', arguments: { invoice_id: 'INV-2' } }] },
          { say: 'Grace has paid.' },
        ],
        'for-ever': [{ say: 'on it', call: [list] }],
        'expensive': [{ call: [list], tokens: 600 }],
        'odd-calls': [
          {
            call: [
              { tool: 'billing__list_invoices', arguments: 'no json' },
              { tool: 'no such tool!', arguments: {} },
              { tool: 'billing__drop_all', arguments: {} },
            ],
          },
          { say: 'none of them' },
        ],
        'broken-model': [{ status: 400 }],
      },
    });
  });
  afterAll(() => stack.stop());

  it('plans, calls its tools through the gateway, answers, and is closed in the ledger', async () => {
    const handle = await stack.start('two-calls');
    expect(await handle.result()).toEqual({ outcome: 'done', answer: 'Grace has paid.', steps: 3 });
    const taskId = handle.workflowId.slice('task/'.length);
    expect(
      stack.tools
        .calls()
        .filter((call) => call.taskId === taskId)
        .map(({ tool }) => tool),
    ).toEqual(['list_invoices', 'get_invoice']);
    expect(await getTask(stack.ledger.control, taskId)).toMatchObject({ state: 'closed', outcome: 'done' });
  });

  it('ends at its step cap without making the call that would go beyond it', async () => {
    const handle = await stack.start('for-ever', { limits: { maxSteps: 3 } });
    expect(await handle.result()).toEqual({ outcome: 'step-cap', answer: 'on it', steps: 3 });
    expect(callsOf(handle.workflowId)).toBe(2);
  });

  it('ends at its token cap, by what the provider says it used', async () => {
    const handle = await stack.start('expensive', { limits: { maxTokens: 1_000 } });
    expect(await handle.result()).toMatchObject({ outcome: 'token-cap', steps: 2 });
    expect(callsOf(handle.workflowId)).toBe(1);
  });

  it('tells the model why a call was denied, and goes on', async () => {
    const handle = await stack.start('odd-calls');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'none of them' });
    expect(callsOf(handle.workflowId)).toBe(0);
    const asked = stack.model.requests().at(-1) as { messages: { role: string; content: string }[] };
    expect(asked.messages.filter(({ role }) => role === 'tool').map(({ content }) => content)).toEqual([
      'Denied: The arguments are not a JSON object.',
      'Denied: There is no such tool.',
      expect.stringMatching(/^Denied: This tool is not available/),
    ]);
  });

  it('fails, closed in the ledger, when the model refuses the request for good', async () => {
    const handle = await stack.start('broken-model');
    await expect(handle.result()).rejects.toThrow();
    expect(await getTask(stack.ledger.control, handle.workflowId.slice('task/'.length))).toMatchObject({
      state: 'closed',
      outcome: 'failed',
    });
  });

  it('is refused when the ledger does not know it', async () => {
    const input = {
      taskId: 'task_test_00000000000000000000000000',
      agentId: 'billing-bot',
      rootTaskId: 'x',
      epoch: 0,
      prompt: '',
      modelId: 'two-calls',
      limits: agentSpec('x').limits,
    };
    const run = (workflowId: string) =>
      stack.client.workflow.execute('agentTask', { workflowId, taskQueue: 'agent', args: [input] });
    expect(await run('task/task_test_00000000000000000000000000')).toMatchObject({ outcome: 'refused' });
    await expect(run('task/task_test_11111111111111111111111111')).rejects.toMatchObject({
      cause: { type: 'invalid-input' },
    });
  });

  function callsOf(workflowId: string): number {
    return stack.tools.calls().filter(({ taskId }) => `task/${taskId}` === workflowId).length;
  }
});
