import { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { namespaces } from '../../src/contract/names.ts';
import { createTaskWorkflows } from '../../src/control/temporal-task-workflows.ts';
import { bundleWorkflows } from '../../src/workers/bundle.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { taskIdOf, until, untilAsked } from './watch.ts';

const prompt = 'canary-prompt-5d1c';
const note = 'canary-argument-77aa';
const answer = 'canary-answer-9f3e';
/** Two parts of one: what begins it alone stands in encrypted bytes by chance. */
const token = /eyJ[\w-]{10,}\.[\w-]{10,}/;

requires('temporal')('what a task says', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({
      agents: [
        agentSpec('billing-bot', {
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
      scripts: {
        'talks': [
          { call: [{ tool: 'billing__send_reminder', arguments: { invoice_id: 'INV-1', note } }] },
          { call: [{ tool: 'estop__start_task', arguments: { agentId: 'sub-bot', prompt: `${prompt}-child` } }] },
          { say: answer },
        ],
        'sub': [{ say: `${answer}-child` }],
        'garbles': [
          { say: 'canary-half', call: [{ tool: 'billing__send_reminder', arguments: '{canary-unreadable' }] },
          { status: 500 },
        ],
        'asks': [
          { call: [{ tool: 'billing__refund_payment', arguments: { invoice_id: 'INV-1', cents: 1 } }] },
          { say: 'x' },
        ],
      },
    });
  });
  afterAll(() => stack.stop());

  it('is nowhere in its history, nor is its token: prompt, arguments, tool output, answer', async () => {
    const handle = await stack.start('talks', { prompt });
    expect(await handle.result()).toMatchObject({ answer });
    const seen = await everythingRawOf(handle);
    for (const secret of [prompt, note, answer, 'A reminder for', 'INV-1']) expect(seen).not.toContain(secret);
    expect(seen).not.toMatch(token);
    // What operators need to read stays readable.
    for (const plain of ['callTool', 'EstopAgent', 'billing-bot', taskIdOf(handle)]) expect(seen).toContain(plain);
    const [child] = await childrenOf(handle);
    const childSeen = await everythingRawOf(child as TaskHandle); // of the same type; only its history is read
    for (const secret of [prompt, answer]) expect(childSeen).not.toContain(secret);
  });

  it('is in no failure and in no log line, also when the model fails', async () => {
    const handle = await stack.start('garbles', { prompt });
    await until(() =>
      stack.logged.some((line) => line.includes(handle.workflowId) && line.includes('upstream-unavailable')),
    );
    const seen = `${await everythingRawOf(handle)} ${JSON.stringify((await handle.describe()).raw)} ${stack.logged.join('\n')}`;
    for (const secret of [prompt, 'canary-', 'worker-token-of']) expect(seen).not.toContain(secret);
    expect(seen).not.toMatch(token);
    // What is tried again and again is named to people, by a code that says nothing of the content.
    const live = await createTaskWorkflows(async () => stack.client, stack.log).ask(taskIdOf(handle));
    expect(live?.retried).toEqual([
      {
        activity: 'callModel',
        attempt: expect.toSatisfy((attempt: number) => attempt > 1),
        failedWith: 'upstream-unavailable',
        nextAt: expect.toSatisfy((at: string | null) => at === null || Date.parse(at) > 0),
      },
    ]);
    await handle.terminate();
  });

  it('is not in what Temporal’s UI shows, which is where it stands and what it waits for', async () => {
    const handle = await stack.start('asks', { prompt });
    const approvalId = await untilAsked(stack, handle);
    const withoutKey = new Client({ connection: stack.client.connection, namespace: namespaces.agents });
    const uiHandle = withoutKey.workflow.getHandle(handle.workflowId);
    const metadata = await uiHandle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    await expect(uiHandle.query('timeline')).rejects.toThrow(/encoding/i);
    expect(metadata.currentDetails).toContain('| State | `awaiting-approval` |');
    expect(metadata.currentDetails).toContain(approvalId);
    expect(metadata.currentDetails).not.toContain(prompt);
    const found = stack.client.workflow.list({
      query: `EstopState = 'awaiting-approval' AND EstopAgent = 'billing-bot' AND EstopRootTask = '${taskIdOf(handle)}' AND EstopEpoch = 0`,
    });
    await expect.poll(async () => (await found[Symbol.asyncIterator]().next()).done, { timeout: 45_000 }).toBe(false);
    await handle.signal('kill');
    expect(await handle.result()).toMatchObject({ outcome: 'stopped' });
    const { typedSearchAttributes } = await handle.describe();
    expect(JSON.stringify(typedSearchAttributes)).toMatch(/EstopState.*stopped|EstopStop.*stop_test_/);
  });

  it('is kept by workflow code that brings no schema library with it', async () => {
    const { code } = await bundleWorkflows('agents');
    expect(code).not.toMatch(/node_modules\/zod/);
    expect(code.length).toBeLessThan(2_500_000);
  });

  async function everythingRawOf(handle: Pick<TaskHandle, 'workflowId'>): Promise<string> {
    const { history } = await stack.client.workflowService.getWorkflowExecutionHistory({
      namespace: namespaces.agents,
      execution: { workflowId: handle.workflowId },
    });
    const texts: string[] = [];
    collect(history, texts);
    return texts.join('\n');
  }
  async function childrenOf(handle: TaskHandle) {
    const { events } = await handle.fetchHistory();
    const ids = (events ?? []).flatMap(
      (event) => event.childWorkflowExecutionStartedEventAttributes?.workflowExecution?.workflowId ?? [],
    );
    return ids.map((id) => stack.client.workflow.getHandle(id));
  }
});

/** Every text, key and byte string in it, bytes read as text. */
function collect(value: unknown, into: string[]): void {
  if (typeof value === 'string') into.push(value);
  else if (value instanceof Uint8Array) into.push(Buffer.from(value).toString('utf8'));
  else if (Array.isArray(value)) for (const member of value) collect(member, into);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      into.push(key);
      collect(member, into);
    }
  }
}
