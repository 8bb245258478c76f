import { createHash } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { statusOf } from '../../activities/task-workflows.ts';
import type { Log } from '../../contract/identity.ts';
import { agentTaskWorkflowId, signals } from '../../contract/names.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { formatId } from '../../core/ids.ts';
import { taskKey } from '../../core/scope-key.ts';
import type { Store } from '../../store/pool.ts';
import { checkTask } from '../../store/tasks.ts';

export interface KillLatch {
  /** Latches for a task that was sent a `kill` which no workflow task has taken up since, unless a stop covers it already. */
  latchIfUnheard(taskId: string, runId: string): Promise<void>;
  /** The same for a `kill` that was taken up, if no stop has come of it: whoever should have latched is dead, or the task was ended first. */
  latchIfUnlatched(taskId: string, runId: string): Promise<void>;
}

interface KillLatchDeps {
  readonly store: Store;
  readonly client: Client;
  readonly environment: string;
  readonly latch: (order: StopOrder) => Promise<void>;
  readonly log: Log;
}

const callMs = 5_000;
const notFound = 5;
const signaledEvent = 26;
const taskCompletedEvent = 7;

/**
 * `kill` sent straight to a task takes the same road as any stop: the workflow's first act is to latch. This is for a task whose
 * worker is dead, stuck or broken: the signal is in its history and nobody acts on it. What the signal says is not believed; that it
 * is there is enough.
 */
export function createKillLatch({ store, client, environment, latch, log }: KillLatchDeps): KillLatch {
  const latchFor = async (taskId: string, runId: string, isHeardToo: boolean): Promise<void> => {
    const eventId = await findKill(client, agentTaskWorkflowId(taskId), runId, isHeardToo);
    if (eventId === undefined) return;
    if ((await checkTask(store, taskId))?.stopId !== undefined) return;
    // The same signal is the same stop, however often it is found and by whichever process.
    const random = createHash('sha256').update(`watchdog ${taskId} ${runId} ${eventId}`).digest().subarray(0, 16);
    const stopId = formatId('stop', environment, random);
    log.error(
      { event: 'watchdog.kill', taskId, stopId },
      'a kill waits in a task that does not take it up; the watchdog latches for it',
    );
    await latch({
      stopId,
      scopeKey: taskKey(taskId),
      category: 0,
      graceMs: 0,
      reason: 'kill signal that the task did not take up',
      actor: 'signal',
      method: 'watchdog',
    });
  };
  return {
    latchIfUnheard: (taskId, runId) => latchFor(taskId, runId, false),
    latchIfUnlatched: (taskId, runId) => latchFor(taskId, runId, true),
  };
}

/** Newest events first; back to the last workflow task that was completed (everything after it is unheard), or through the whole run. */
async function findKill(
  client: Client,
  workflowId: string,
  runId: string,
  isHeardToo: boolean,
): Promise<string | undefined> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array | undefined;
  let found: string | undefined;
  do {
    const request = {
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 200,
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    };
    try {
      const page = await client.withDeadline(Date.now() + callMs, () =>
        client.workflowService.getWorkflowExecutionHistoryReverse(request),
      );
      for (const event of page.history?.events ?? []) {
        if (!isHeardToo && event.eventType === taskCompletedEvent) return found;
        if (
          event.eventType === signaledEvent &&
          event.workflowExecutionSignaledEventAttributes?.signalName === signals.kill
        )
          found = String(event.eventId);
      }
      nextPageToken = page.nextPageToken != null && page.nextPageToken.length > 0 ? page.nextPageToken : undefined;
    } catch (thrown) {
      if (statusOf(thrown) === notFound) return found;
      throw thrown;
    }
  } while (nextPageToken !== undefined);
  return found;
}
