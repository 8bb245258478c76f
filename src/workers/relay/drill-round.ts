import type { Client } from '@temporalio/client';
import { drillWorkflowId, queues, workflowTypes } from '../../contract/names.ts';
import { drillsUnderWay } from '../../store/drills.ts';
import type { Store } from '../../store/pool.ts';
import type { Round } from './keep-going.ts';
import type { RequireOwnTemporal } from './own-temporal.ts';

const pauseMs = 1_000;
const callMs = 5_000;
/** How often a workflow that was open is looked after again. */
const recheckMs = 5_000;

/** Makes sure that what somebody asked for is open in Temporal; like that of a stop, but behind all of them. rule: reconcile-from-ledger */
export function drillRound(store: Store, client: Client, requireOwn: RequireOwnTemporal): Round {
  const ensuredAt = new Map<string, number>();
  return {
    name: 'drills',
    run: async () => {
      const now = performance.now();
      for (const [taskId, at] of ensuredAt) if (now - at > recheckMs) ensuredAt.delete(taskId);
      for (const { taskId, connectorId } of await drillsUnderWay(store)) {
        if (ensuredAt.has(taskId)) continue;
        await requireOwn();
        await client.withDeadline(Date.now() + callMs, () =>
          client.workflow.start(workflowTypes.drill, {
            workflowId: drillWorkflowId(taskId),
            taskQueue: queues.control,
            args: [{ taskId, connectorId }],
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowIdConflictPolicy: 'USE_EXISTING',
            priority: { priorityKey: 5 },
          }),
        );
        ensuredAt.set(taskId, now);
      }
      return pauseMs;
    },
  };
}
