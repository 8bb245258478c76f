import { HistoryQuery, TaskHistory, TaskPath } from '../../contract/http/tasks.ts';
import { taskHistory } from '../../store/task-history.ts';
import { defineEndpoint, nothing } from '../endpoint.ts';
import { sentenceOf, wayTo } from '../history-sentence.ts';
import { showTask } from '../show-task.ts';

const most = 500;

export const getTaskHistory = defineEndpoint({
  method: 'get',
  path: '/v1/tasks/{id}/history',
  id: 'getTaskHistory',
  summary: 'What happened to a task, from the ledger; with live=true also what its workflow says',
  permission: 'task:read',
  input: { path: TaskPath, query: HistoryQuery, body: nothing },
  answers: [{ status: 200, description: 'Oldest first', schema: TaskHistory }],
  problems: ['unknown-task'],
  handle: async ({ path, query }, _request, deps) => {
    const [task, newestFirst, live] = await Promise.all([
      showTask(deps, path.id),
      taskHistory(deps.store, path.id, most + 1),
      query.live === 'true' ? deps.workflows.ask(path.id) : undefined,
    ]);
    const entries = newestFirst
      .slice(0, most)
      .toReversed()
      .map((entry) => ({
        at: entry.at,
        kind: entry.kind,
        what: sentenceOf(entry),
        by: entry.by ?? null,
        to: wayTo(entry),
      }));
    const shown =
      live === undefined
        ? null
        : {
            state: live.status.state,
            step: live.status.step,
            tokensUsed: live.status.tokensUsed,
            timeline: live.timeline,
            retried: live.retried,
          };
    return { status: 200, body: { task, entries, truncated: newestFirst.length > most, live: shown } };
  },
});
