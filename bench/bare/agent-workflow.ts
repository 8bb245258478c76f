import { proxyActivities } from '@temporalio/workflow';
import type { BareActivities, BareMessage } from './agent-activities.ts';

const { callModel, callTool } = proxyActivities<BareActivities>({ startToCloseTimeout: '1 minute' });

/** The rival of agentTask: the same loop over the same model and tools, with nothing between. */
export async function bareAgent(prompt: string): Promise<string> {
  const messages: BareMessage[] = [{ role: 'user', content: prompt }];
  for (;;) {
    const turn = await callModel(messages);
    messages.push(turn);
    if (turn.tool_calls === undefined) return turn.content ?? '';
    for (const call of turn.tool_calls) {
      const input = JSON.parse(call.function.arguments) as object; // the model is scripted
      const content = await callTool(call.function.name, input);
      messages.push({ role: 'tool', tool_call_id: call.id, content });
    }
  }
}
