import type { ModelMessage, ToolCall, ToolOutcome } from './agent-task.ts';

export interface ToolAnswer {
  readonly text: string;
  readonly isError: boolean;
}

/** What the model is told of a call that is over. */
export function toolAnswer(outcome: Exclude<ToolOutcome, { readonly kind: 'needs-approval' }>): ToolAnswer {
  switch (outcome.kind) {
    case 'answered':
      return { text: outcome.text, isError: outcome.isError };
    case 'denied':
      return { text: `Denied: ${outcome.reason}`, isError: true };
    case 'interrupted':
      return { text: 'The call was interrupted. Whether it took effect is not known.', isError: true };
    case 'stopped':
      return { text: 'Denied: a stop covers this tool.', isError: true };
    default:
      return outcome satisfies never;
  }
}

export const toolMessage = ({ toolCallId, tool }: ToolCall, answer: ToolAnswer): ModelMessage => ({
  role: 'tool',
  toolCallId,
  tool,
  ...answer,
});
