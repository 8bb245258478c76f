import type { Client } from '@temporalio/client';
import type { Log } from '../../contract/identity.ts';

/** One task of a healthy workflow is done at its first attempt; at its second or third where a worker was killed or is overloaded. */
const attemptsAtMost = 5;
const lookEveryMs = 10_000;
const callMs = 5_000;

export interface StuckWorkflows {
  /** What is wanted now; of everything else nothing is remembered. */
  keep(workflowIds: ReadonlySet<string>): void;
  /** Ends it, or a child of it, where nobody can run it. Never throws. */
  look(workflowId: string): Promise<void>;
}

/**
 * A workflow whose task fails again and again is open and does nothing: after a deployment was taken back, say, or by a bug that its
 * history has met. Whoever merely sees that it is open would wait for it for ever. It is ended, as a person would, and begun anew from
 * the ledger; what it has done stands there. rule: reconcile-from-ledger, ledger-decides
 */
export function watchStuck(client: Client, log: Log): StuckWorkflows {
  const lookedAt = new Map<string, number>();
  const endIfStuck = async (workflowId: string): Promise<readonly Execution[]> => {
    const { namespace } = client.options;
    // Its newest run: Temporal names a child by its first one for ever, which may long have gone on as another.
    const seen = await client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
    const attempt = seen.pendingWorkflowTask?.attempt ?? 0;
    if (attempt <= attemptsAtMost) return seen.pendingChildren ?? [];
    log.error(
      { event: 'relay.stuck-workflow', workflowId, attempt },
      'a workflow of a stop cannot be run; it is ended, and what is left to do is begun anew from the ledger',
    );
    await client.workflow
      .getHandle(workflowId, seen.workflowExecutionInfo?.execution?.runId ?? undefined)
      .terminate('its workflow task fails again and again');
    return [];
  };
  return {
    keep: (workflowIds) => {
      for (const workflowId of lookedAt.keys()) if (!workflowIds.has(workflowId)) lookedAt.delete(workflowId);
    },
    look: async (workflowId) => {
      const now = performance.now();
      const last = lookedAt.get(workflowId);
      if (last === undefined || now - last >= lookEveryMs) lookedAt.set(workflowId, now);
      // One that is wanted for the first time has just been opened, mostly.
      if (last === undefined || now - last < lookEveryMs) return;
      await client
        .withDeadline(Date.now() + callMs, async () => {
          for (const child of await endIfStuck(workflowId))
            if (typeof child.workflowId === 'string') await endIfStuck(child.workflowId);
        })
        .catch(() => undefined); // it is not there, or Temporal is away: whoever opens it next says so
    },
  };
}

interface Execution {
  readonly workflowId?: string | null;
}
