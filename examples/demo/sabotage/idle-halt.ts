import type { WorkerSabotage } from './control-worker.ts';

/** Of these it says that they are closed. Others are left alone, or the watchdog would end them before there is a stop. */
const claimed = new Set<string>();

/** `--sabotage halt`: no task is ended, and every look at one that should have been says that it is. Only Temporal itself can tell. */
export const idleHalt: WorkerSabotage = {
  tasks: (tasks) => ({
    ...tasks,
    windDown: async () => undefined,
    terminate: async (taskId) => void claimed.add(taskId),
    look: async (taskId) => {
      const seen = await tasks.look(taskId);
      return seen.kind === 'open' && claimed.has(taskId)
        ? { kind: 'closed', runId: seen.runId, outcome: 'terminated' }
        : seen;
    },
  }),
};
