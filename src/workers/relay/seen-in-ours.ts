import type { TaskWorkflows } from '../../activities/task-workflows.ts';
import type { RequireOwnTemporal } from './own-temporal.ts';

/** That a Temporal does not know a task says something of it only where that Temporal is ours. rule: halted-by-describe */
export function seenInOurs(tasks: TaskWorkflows, requireOwn: RequireOwnTemporal): TaskWorkflows {
  return {
    windDown: (taskId, message) => tasks.windDown(taskId, message),
    terminate: (taskId, reason) => tasks.terminate(taskId, reason),
    look: async (taskId) => {
      const sight = await tasks.look(taskId);
      if (sight.kind === 'absent') await requireOwn(performance.now());
      return sight;
    },
  };
}
