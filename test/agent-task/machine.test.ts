import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentTaskInput, ModelTurn } from '../../src/contract/agent-task.ts';
import { addAnswer, addTurn, nextAct, openConversation } from '../../src/workflows/agent-task/conversation.ts';
import { isFinal, openModel, stateOf, type TaskEvent, transition } from '../../src/workflows/agent-task/machine.ts';

const limits = { maxSteps: 5, maxTokens: 100, approvalTtlMs: 1, maxDepth: 1, maxFanOut: 1 };
const input: AgentTaskInput = {
  taskId: 't',
  agentId: 'a',
  rootTaskId: 't',
  epoch: 0,
  prompt: 'p',
  modelId: 'm',
  limits,
};
const pending = (approvalId: string) => ({
  approvalId,
  expiresAt: '2027-01-01T00:00:00Z',
  toolCallId: approvalId,
  tool: 'a__b',
});

const id = fc.constantFrom('x', 'y', 'z');
const event: fc.Arbitrary<TaskEvent> = fc.oneof(
  fc.constant<TaskEvent>({ kind: 'began', what: 'began' }),
  fc.constant<TaskEvent>({ kind: 'noted', what: 'note' }),
  id.map((messageId): TaskEvent => ({ kind: 'held', messageId })),
  id.map((messageId): TaskEvent => ({ kind: 'released', messageId: `r${messageId}` })),
  id.map((approvalId): TaskEvent => ({ kind: 'asked', pending: pending(approvalId) })),
  id.map((approvalId): TaskEvent => ({ kind: 'decided', approvalId, decision: 'approved' })),
);
const run = (events: readonly TaskEvent[]) =>
  events.reduce((model, next) => transition(model, next, 'at'), openModel(input));

describe('a governed task', () => {
  it('accepts a stop in every state it can come to, and does nothing but close after it', () => {
    fc.assert(
      fc.property(fc.array(event), fc.array(event), (before, after) => {
        const stopping = [...after].reduce(
          (model, next) => transition(model, next, 'at'),
          transition(run(before), { kind: 'told-to-stop', why: 'kill' }, 'at'),
        );
        expect(stateOf(stopping)).toBe('stopping');
        const closed = transition(stopping, { kind: 'closed', phase: 'stopped', what: 'x', stopId: 's' }, 'at');
        expect(stateOf(closed)).toBe('stopped');
        expect(after.reduce((model, next) => transition(model, next, 'at'), closed)).toBe(closed);
      }),
    );
  });

  it('holds at most once for one message, however often it arrives', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const holds = [...events, { kind: 'released' } as const];
        const model = run([{ kind: 'began', what: '' }, ...holds]);
        for (const messageId of model.handledMessages)
          expect(transition(model, { kind: 'held', messageId }, 'at')).toBe(model);
      }),
    );
  });

  it('keeps timeline and handled messages within bounds', () => {
    const long = run(
      Array.from({ length: 1_000 }, (_, index): TaskEvent[] => [
        { kind: 'held', messageId: `h${index}` },
        { kind: 'released', messageId: `r${index}` },
      ]).flat(),
    );
    expect(long.timeline.length).toBeLessThanOrEqual(200);
    expect(long.handledMessages.length).toBeLessThanOrEqual(256);
  });

  it('survives what it carries into its next run', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const model = run([{ kind: 'began', what: '' }, ...events]);
        if (isFinal(model)) return;
        const { heldAt, awaiting, handledMessages, timeline } = model;
        const carried = {
          begun: model.phase === 'running',
          messages: [],
          step: 0,
          tokensUsed: 0,
          openApprovals: [],
          awaiting,
          handledMessages,
          timeline,
          ...(heldAt === undefined ? {} : { heldAt }),
        };
        expect(openModel({ ...input, carried })).toEqual(model);
      }),
    );
  });
});

const turn: fc.Arbitrary<ModelTurn> = fc.record({
  text: fc.string(),
  toolCalls: fc.array(fc.record({ toolCallId: id, tool: fc.string(), arguments: fc.constant({}) }), { maxLength: 3 }),
  tokensUsed: fc.nat(60),
});

describe('a plan', () => {
  it('answers every call of a turn once and in order, whatever ids the model gives them, and never goes beyond a cap', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1 }), (turns) => {
        let conversation = openConversation(input);
        const made: unknown[] = [];
        const wanted: unknown[] = [];
        for (let index = 0; ; ) {
          const act = nextAct(conversation, limits);
          if (act.kind === 'finish') break;
          if (act.kind === 'call-tool') {
            expect(conversation.step).toBeLessThan(limits.maxSteps);
            expect(conversation.tokensUsed).toBeLessThan(limits.maxTokens);
            made.push(act.call);
            conversation = addAnswer(conversation, act.call, { text: 'ok', isError: false });
            continue;
          }
          const next = turns[index % turns.length] as ModelTurn; // minLength 1
          index += 1;
          conversation = addTurn(conversation, next);
          wanted.push(...next.toolCalls);
        }
        expect(conversation.step).toBeLessThanOrEqual(limits.maxSteps);
        expect(made).toEqual(wanted.slice(0, made.length));
      }),
    );
  });

  it('gives the answer that is there, also at a cap', () => {
    const done = addTurn(openConversation(input), { text: 'the answer', toolCalls: [], tokensUsed: 1_000 });
    expect(nextAct(done, limits)).toEqual({ kind: 'finish', outcome: 'done', answer: 'the answer' });
  });

  it('ends before it outgrows what Temporal takes', () => {
    let conversation = addTurn(openConversation(input), {
      text: '',
      toolCalls: [{ toolCallId: 'x', tool: 'a__b', arguments: {} }],
      tokensUsed: 1,
    });
    conversation = addAnswer(
      conversation,
      { toolCallId: 'x', tool: 'a__b', arguments: {} },
      { text: 'x'.repeat(500_000), isError: false },
    );
    expect(nextAct(conversation, limits)).toMatchObject({ kind: 'finish', outcome: 'token-cap' });
  });
});
