import type { AgentTaskInput } from '../../contract/agent-task.ts';
import { stateOf, type TaskModel } from './machine.ts';

const shownEntries = 20;

/**
 * What an SRE reads on the workflow's page in Temporal's UI. Ids, states and tool names only: no prompt, answer or output.
 * Tool names are the model's words, so they are put where Markdown does not act on them.
 */
export function detailsOf(
  input: AgentTaskInput,
  model: TaskModel,
  progress: { readonly step: number; readonly tokensUsed: number },
): string {
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['State', stateOf(model)],
    ['Agent', input.agentId],
    ['Task', input.taskId],
    ['Root task', input.rootTaskId],
    ['Epoch', String(input.epoch)],
    ['Step', `${progress.step} of ${input.limits.maxSteps}`],
    ['Tokens', `${progress.tokensUsed} of ${input.limits.maxTokens}`],
    ['Held since', model.heldAt],
    ...model.awaiting.map(
      ({ approvalId, expiresAt, tool }) => ['Waits for approval', `${approvalId} until ${expiresAt}, ${tool}`] as const,
    ),
    ['Stopped by', model.stopId],
  ];
  const table = facts.flatMap(([name, value]) => (value === undefined ? [] : [`| ${name} | ${code(value)} |`]));
  const entries = model.timeline.slice(-shownEntries).map(({ at, what }) => `- ${at} ${code(what)}`);
  return ['| | |', '|---|---|', ...table, '', ...entries].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll(/[`|\r\n]/g, ' ')}\``;
}
