import type { AgentTaskInput, ModelMessage, ModelTurn, TaskLimits, ToolCall } from '../../contract/agent-task.ts';
import { type ToolAnswer, toolMessage } from '../../contract/tool-answer.ts';

/** What the plan loop knows. Pure: the loop asks `nextAct`, does it, and adds what came of it. */
export interface Conversation {
  readonly messages: readonly ModelMessage[];
  /** Model turns taken. */
  readonly step: number;
  readonly tokensUsed: number;
}

export type Act =
  | { readonly kind: 'call-model' }
  /** `room`: the model comes next, and may be asked at once if the answer is no longer than that. */
  | { readonly kind: 'call-tool'; readonly call: ToolCall; readonly room?: number }
  | { readonly kind: 'finish'; readonly outcome: 'done' | 'step-cap' | 'token-cap'; readonly answer: string };

/** Temporal refuses payloads over 2 MB and fails the workflow task for ever; a conversation near it ends as a capped one. */
const maxConversationCharacters = 400_000;

export function openConversation(input: AgentTaskInput): Conversation {
  const { carried } = input;
  if (carried !== undefined) return { messages: carried.messages, step: carried.step, tokensUsed: carried.tokensUsed };
  return { messages: [{ role: 'user', text: input.prompt }], step: 0, tokensUsed: 0 };
}

/** An answer that is there is given even at a cap; a call that would go beyond a cap is not made. */
export function nextAct(conversation: Conversation, limits: TaskLimits): Act {
  const { turn, answered } = lastTurn(conversation.messages);
  if (turn !== undefined && turn.toolCalls.length === 0) return { kind: 'finish', outcome: 'done', answer: turn.text };
  const answer = turn?.text ?? '';
  if (conversation.tokensUsed >= limits.maxTokens) return { kind: 'finish', outcome: 'token-cap', answer };
  if (conversation.step >= limits.maxSteps) return { kind: 'finish', outcome: 'step-cap', answer };
  const room = maxConversationCharacters - charactersOf(conversation.messages);
  if (room <= 0) return { kind: 'finish', outcome: 'token-cap', answer };
  const call = turn?.toolCalls[answered];
  if (call === undefined) return { kind: 'call-model' };
  const isLast = answered === (turn?.toolCalls.length ?? 0) - 1;
  return isLast ? { kind: 'call-tool', call, room } : { kind: 'call-tool', call };
}

export function addTurn(conversation: Conversation, turn: ModelTurn): Conversation {
  return {
    messages: [...conversation.messages, { role: 'assistant', text: turn.text, toolCalls: turn.toolCalls }],
    step: conversation.step + 1,
    tokensUsed: conversation.tokensUsed + turn.tokensUsed,
  };
}

export function addAnswer(conversation: Conversation, call: ToolCall, answer: ToolAnswer): Conversation {
  return { ...conversation, messages: [...conversation.messages, toolMessage(call, answer)] };
}

/** Calls are answered in order, so position says which is next: the ids are the model's words and may repeat. */
function lastTurn(messages: readonly ModelMessage[]) {
  const index = messages.findLastIndex(({ role }) => role === 'assistant');
  const turn = messages[index];
  return { turn: turn?.role === 'assistant' ? turn : undefined, answered: messages.length - 1 - index };
}

function charactersOf(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, message) => {
    const calls = message.role === 'assistant' ? JSON.stringify(message.toolCalls).length : 0;
    return sum + message.text.length + calls;
  }, 0);
}
