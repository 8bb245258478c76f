import { expect, it } from 'vitest';
import { historyLines } from '../../src/cli/task-lines.ts';
import type { TaskHistory } from '../../src/contract/http/tasks.ts';

const started = '2026-11-20T00:00:00.000Z';
const task: TaskHistory['task'] = {
  taskId: 'task_test_1',
  agentId: 'billing-bot',
  kind: 'task',
  parentTaskId: null,
  rootTaskId: 'task_test_1',
  depth: 0,
  state: 'running',
  held: false,
  stoppedBy: null,
  outcome: null,
  purpose: '',
  requestedBy: 'olga',
  epoch: 1,
  registeredAt: started,
  closedAt: null,
  workflow: { workflowId: 'w', namespace: 'n', url: null },
};
const live = { state: 'running', step: 3, tokensUsed: 30, timeline: [], retried: [] };
const lastLine = (more: Partial<TaskHistory['task']>): string | undefined =>
  historyLines({ task: { ...task, ...more }, entries: [], truncated: false, live }, true, Date.parse(started)).at(-1);

it('a workflow that was terminated is not told as one that runs, although it says so itself', () => {
  expect(lastLine({})).toBe('workflow: running, step 3, 30 tokens');
  expect(lastLine({ state: 'closed', outcome: 'stopped', closedAt: started })).toBe(
    'workflow, as it last was: running, step 3, 30 tokens',
  );
});
