import { type AgentTaskInput, type AgentTaskResult, startTaskTool, type ToolCall } from '../../contract/agent-task.ts';
import { type ToolAnswer, toolAnswer } from '../../contract/tool-answer.ts';
import { type Act, addAnswer, addTurn, type Conversation, nextAct, openConversation } from './conversation.ts';
import { type Finished, governed } from './governed.ts';
import type { GovernedTask } from './governed-task.ts';

type CallTool = Extract<Act, { readonly kind: 'call-tool' }>;

/** The built-in durable loop: plan with the model, call tools, until it is done or at a cap. */
export async function agentTask(input: AgentTaskInput): Promise<AgentTaskResult> {
  let conversation = openConversation(input);
  const loop = async (task: GovernedTask): Promise<Finished> => {
    for (;;) {
      const act = nextAct(conversation, input.limits);
      switch (act.kind) {
        case 'finish':
          return act;
        case 'call-model':
          conversation = addTurn(conversation, await task.callModel(conversation.messages));
          break;
        case 'call-tool':
          conversation = await afterCall(task, conversation, act);
          break;
        default:
          return act satisfies never;
      }
      await task.pause();
    }
  };
  return governed(input, loop, { carry: () => conversation });
}

async function afterCall(
  task: GovernedTask,
  conversation: Conversation,
  { call, room }: CallTool,
): Promise<Conversation> {
  if (call.tool === startTaskTool) return addAnswer(conversation, call, await startTask(task, call.arguments));
  if (room === undefined) return addAnswer(conversation, call, toolAnswer(await task.callTool(call)));
  const { result, turn } = await task.callToolThenModel(call, { messages: conversation.messages, room });
  const answered = addAnswer(conversation, call, toolAnswer(result));
  return turn === undefined ? answered : addTurn(answered, turn);
}

async function startTask(task: GovernedTask, { agentId, prompt }: ToolCall['arguments']): Promise<ToolAnswer> {
  if (typeof agentId !== 'string' || typeof prompt !== 'string')
    return { text: 'Denied: agentId and prompt must be text.', isError: true };
  const outcome = await task.runTask({ agentId, prompt });
  switch (outcome.kind) {
    case 'refused':
      return { text: `Denied: ${outcome.reason}`, isError: true };
    case 'failed':
      return { text: `Task ${outcome.taskId} failed.`, isError: true };
    case 'ended': {
      const { result, taskId } = outcome;
      if (result.outcome === 'done') return { text: result.answer, isError: false };
      return { text: `Task ${taskId} ended: ${result.outcome}. ${result.answer}`, isError: true };
    }
    default:
      return outcome satisfies never;
  }
}
