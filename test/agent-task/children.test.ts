import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTaskTool } from '../../src/contract/agent-task.ts';
import { latch } from '../../src/store/latch.ts';
import { getLineage, getTask, listTasks } from '../../src/store/tasks.ts';
import { requires } from '../kit/requires.ts';
import { agentSpec, type Stack, startStack, type TaskHandle } from './kit.ts';
import { expectStopped, taskIdOf, until } from './watch.ts';

const start = (agentId: string, prompt = 'Do a part.') => ({ tool: startTaskTool, arguments: { agentId, prompt } });

requires('temporal')('a task that starts another', () => {
  let stack: Stack;
  beforeAll(async () => {
    const limits = { ...agentSpec('x').limits, maxFanOut: 2, maxDepth: 1 };
    stack = await startStack({
      agents: [
        agentSpec('lead-bot', { mayStart: ['sub-bot', 'deep-bot', 'slow-bot'], limits }),
        agentSpec('sub-bot', { model: 'sub', labels: { team: 'billing' } }),
        agentSpec('slow-bot', { model: 'thinks' }),
        agentSpec('deep-bot', { model: 'digs', mayStart: ['sub-bot'], limits }),
      ],
      scripts: {
        'delegates': [{ call: [start('sub-bot')] }, { say: 'all done' }],
        'sub': [{ call: [{ tool: 'billing__list_invoices', arguments: {} }] }, { say: 'the part is done' }],
        'oversteps': [
          { call: [start('lead-bot'), start('nobody'), { tool: startTaskTool, arguments: { agentId: 7 } }] },
          { say: 'refused' },
        ],
        'fans-out': [{ call: [start('sub-bot'), start('sub-bot'), start('sub-bot')] }, { say: 'two of three' }],
        'digs': [{ call: [start('sub-bot')] }, { say: 'no deeper' }],
        'delegates-deep': [{ call: [start('deep-bot')] }, { say: 'ok' }],
        'delegates-slowly': [{ call: [start('slow-bot')] }, { say: 'never' }],
        'thinks': [{ hang: true }],
      },
    });
  });
  afterAll(() => stack.stop());

  it('is told the child’s answer; the child is in the ledger with its whole line of ancestors', async () => {
    const handle = await stack.start('delegates');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'all done' });
    expect(toolAnswers()).toEqual(['the part is done']);
    const lineage = await getLineage(stack.ledger.control, taskIdOf(handle));
    expect(lineage?.children).toMatchObject([
      {
        agentId: 'sub-bot',
        depth: 1,
        rootId: taskIdOf(handle),
        ancestors: [taskIdOf(handle)],
        outcome: 'done',
        requestedBy: 'Bea',
      },
    ]);
    expect(lineage?.children[0]?.keys).toEqual(
      expect.arrayContaining(['agent:lead-bot', `task:${taskIdOf(handle)}`, 'label:team=billing']),
    );
    const child = await stack.client.workflow.getHandle(`task/${lineage?.children[0]?.taskId}`).describe();
    expect(child.searchAttributes).toMatchObject({
      EstopAgent: ['sub-bot'],
      EstopRootTask: [taskIdOf(handle)],
      EstopState: ['done'],
    });
  });

  it('may start tasks of configured agents only', async () => {
    const handle = await stack.start('oversteps');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'refused' });
    expect(toolAnswers()).toEqual([
      'Denied: not-allowed',
      'Denied: unknown-agent',
      'Denied: agentId and prompt must be text.',
    ]);
    expect(await childrenOf(handle)).toEqual([]);
  });

  it('may start no more than its cap, and none below the deepest level', async () => {
    const wide = await stack.start('fans-out');
    expect(await wide.result()).toMatchObject({ outcome: 'done' });
    expect(toolAnswers()).toEqual(['the part is done', 'the part is done', 'Denied: too-many-children']);
    const deep = await stack.start('delegates-deep');
    expect(await deep.result()).toMatchObject({ outcome: 'done' });
    expect(toolAnswersOf('digs')).toEqual(['Denied: too-deep']);
  });

  it('takes its children with it when it is killed: the child is stopped by the same stop', async () => {
    const handle = await stack.start('delegates-slowly');
    await until(() => stack.model.requests().some((body) => JSON.stringify(body).includes('"thinks"')));
    await handle.signal('kill');
    const { stopId } = await expectStopped(handle);
    const [child] = await childrenOf(handle);
    const result: unknown = await stack.client.workflow.getHandle(`task/${child?.taskId}`).result();
    expect(result).toMatchObject({ outcome: 'stopped', stopId });
  });

  it('is refused a child once a stop covers the child’s agent', async () => {
    await latch(stack.ledger.latch, {
      stopId: 'stop_test_0123456789abcdefghjkmnpqrw',
      scopeKey: 'label:team=billing',
      category: 0,
      graceMs: 0,
      reason: 'r',
      actor: 'Olga',
      method: 'api',
    });
    const handle = await stack.start('delegates');
    expect(await handle.result()).toMatchObject({ outcome: 'done', answer: 'all done' });
    expect(toolAnswers()).toEqual(['Denied: stopped']);
    expect(await childrenOf(handle)).toEqual([]);
    expect((await getTask(stack.ledger.control, taskIdOf(handle)))?.outcome).toBe('done');
  });

  const childrenOf = async (handle: TaskHandle) =>
    (await listTasks(stack.ledger.control, { parentId: taskIdOf(handle) })).items;
  const toolAnswersOf = (script: string): readonly string[] =>
    answers(
      stack.model
        .requests()
        .filter((body) => (body as { model: string }).model === script)
        .at(-1),
    );
  const toolAnswers = (): readonly string[] => answers(stack.model.requests().at(-1));
  const answers = (body: unknown): readonly string[] =>
    (body as { messages: { role: string; content: string }[] }).messages
      .filter(({ role }) => role === 'tool')
      .map(({ content }) => content);
});
