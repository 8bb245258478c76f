import { describe, expect, it, vi } from 'vitest';
import { createStep } from '../../src/activities/step.ts';
import type { ModelMessage, ModelQuestion, ModelTurn, ToolOutcome } from '../../src/contract/agent-task.ts';
import { EstopError } from '../../src/core/errors.ts';

const call = { toolCallId: 'c1', tool: 'billing__list', arguments: {} };
const messages: readonly ModelMessage[] = [{ role: 'user', text: 'list' }];
const turn: ModelTurn = { text: 'there are three', toolCalls: [], tokensUsed: 7 };
const answered: ToolOutcome = { kind: 'answered', text: 'three', isError: false };

async function step(
  outcome: ToolOutcome,
  options: { readonly room?: number; readonly said?: Promise<ModelTurn> } = {},
) {
  const [asked, kept]: [ModelQuestion[], unknown[]] = [[], []];
  const take = createStep({
    callTool: async () => outcome,
    callModel: (question) => {
      asked.push(question);
      return options.said ?? Promise.resolve(turn);
    },
  });
  const next = { agentId: 'a', modelId: 'm', messages, room: options.room ?? 1_000 };
  const came = await take({ taskId: 't', call, next }, new AbortController().signal, (one) => kept.push(one));
  return { came, asked, kept };
}

describe('a step', () => {
  it.each<[string, ToolOutcome, string]>([
    ['an answer', answered, 'three'],
    ['a denial', { kind: 'denied', reason: 'no' }, 'Denied: no'],
  ])('tells the model %s at once, after all that was said before', async (_what, outcome, text) => {
    const { came, asked } = await step(outcome);
    expect(came).toEqual({ outcome, turn });
    const told = { role: 'tool', toolCallId: 'c1', tool: 'billing__list', text, isError: outcome.kind === 'denied' };
    expect(asked).toEqual([{ taskId: 't', agentId: 'a', modelId: 'm', messages: [...messages, told] }]);
  });

  it.each<ToolOutcome>([
    { kind: 'needs-approval', approvalId: 'x', expiresAt: '2026-01-01T00:00:00Z' },
    { kind: 'stopped' },
    { kind: 'interrupted' },
  ])('asks the model nothing about a call that is $kind', async (outcome) => {
    expect(await step(outcome)).toEqual({ came: { outcome }, asked: [], kept: [] });
  });

  it('never fails once the call is made, whatever the model does: it would be made again', async () => {
    const said = Promise.reject(new EstopError('upstream-unavailable', { detail: 'away' }));
    expect((await step(answered, { said })).came).toEqual({ outcome: answered });
  });

  it('waits no longer for a model than Temporal waits for the step: what the call came to would be lost', async () => {
    vi.useFakeTimers();
    const slow = createStep({
      callTool: async () => answered,
      callModel: (_question, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    });
    const next = { agentId: 'a', modelId: 'm', messages, room: 1_000 };
    const came = slow({ taskId: 't', call, next }, new AbortController().signal, () => undefined);
    await vi.advanceTimersByTimeAsync(9 * 60_000);
    vi.useRealTimers();
    expect(await Promise.race([came, Promise.resolve('still waiting')])).toEqual({ outcome: answered });
  });

  it('leaves out a turn with which its outcome would be refused: the call would be made again', async () => {
    const said = Promise.resolve({ ...turn, text: '\u6f22'.repeat(700_000) });
    expect((await step(answered, { said })).came).toEqual({ outcome: answered });
  });

  it('leaves out a turn that cannot be written down: the call would be made again', async () => {
    const deep: unknown = JSON.parse(`${'['.repeat(15_000)}${']'.repeat(15_000)}`);
    const said = Promise.resolve({ ...turn, toolCalls: [{ ...call, arguments: { deep } }] });
    expect((await step(answered, { said })).came).toEqual({ outcome: answered });
  });

  it('asks nothing where the answer fills what a conversation may hold', async () => {
    expect((await step(answered, { room: 5 })).asked).toEqual([]);
    expect((await step(answered, { room: 6 })).asked).toHaveLength(1);
  });

  it('keeps what the call came to while the model thinks, unless each heartbeat would be large', async () => {
    expect((await step(answered)).kept).toEqual([answered]);
    const long: ToolOutcome = { kind: 'answered', text: 'x'.repeat(16_001), isError: false };
    expect((await step(long, { room: 100_000 })).kept).toEqual([]);
  });
});
