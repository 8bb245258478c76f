import { type AgentTaskInput, type AgentTaskResult, startTaskTool, type ToolCall } from '../../contract/agent-task.ts';
import { addAnswer, addTurn, nextAct, openConversation, type ToolAnswer } from './conversation.ts';
import { type Finished, governed } from './governed.ts';
import type { GovernedTask, ToolResult } from './governed-task.ts';

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
          conversation = addAnswer(conversation, act.call, await answer(task, act.call));
          break;
        default:
          return act satisfies never;
      }
      await task.pause();
    }
  };
  return governed(input, loop, { carry: () => conversation });
}

async function answer(task: GovernedTask, call: ToolCall): Promise<ToolAnswer> {
  if (call.tool === startTaskTool) return startTask(task, call.arguments);
  return told(await task.callTool(call));
}

function told(result: ToolResult): ToolAnswer {
  switch (result.kind) {
    case 'answered':
      return { text: result.text, isError: result.isError };
    case 'denied':
      return { text: `Denied: ${result.reason}`, isError: true };
    case 'interrupted':
      return { text: 'The call was interrupted. Whether it took effect is not known.', isError: true };
    case 'stopped':
      return { text: 'Denied: a stop covers this tool.', isError: true };
    default:
      return result satisfies never;
  }
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
