import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { ModelMessage } from '../contract/agent-task.ts';

/** Our own message shape, which is what histories hold, in the words of the provider interface. */
export function toPrompt(messages: readonly ModelMessage[]): LanguageModelV4Message[] {
  return messages.map((message): LanguageModelV4Message => {
    switch (message.role) {
      case 'user':
        return { role: 'user', content: [{ type: 'text', text: message.text }] };
      case 'assistant': {
        const text = message.text === '' ? [] : [{ type: 'text' as const, text: message.text }];
        const calls = message.toolCalls.map(({ toolCallId, tool, arguments: input }) => ({
          type: 'tool-call' as const,
          toolCallId,
          toolName: tool,
          input,
        }));
        return { role: 'assistant', content: [...text, ...calls] };
      }
      case 'tool': {
        const output = message.isError
          ? { type: 'error-text' as const, value: message.text }
          : { type: 'text' as const, value: message.text };
        return {
          role: 'tool',
          content: [{ type: 'tool-result', toolCallId: message.toolCallId, toolName: message.tool, output }],
        };
      }
      default:
        return message satisfies never;
    }
  });
}
