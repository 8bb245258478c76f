import {
  ActivityCancellationType,
  type ActivityOptions,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { AgentActivities, TrustedActivities } from '../../contract/activities.ts';
import { queues } from '../../contract/names.ts';

/** A kill never waits for an activity to notice it. */
const cancellationType = ActivityCancellationType.TRY_CANCEL;

const trusted: ActivityOptions = {
  taskQueue: queues.trusted,
  cancellationType,
  startToCloseTimeout: '10 s',
  retry: { initialInterval: '200 ms', maximumInterval: '10 s' },
};

export const ledger = proxyActivities<TrustedActivities>(trusted);

/** The first act of a killed task: before all others on its queue, and tried again quickly for as long as it takes. */
export const latch = proxyActivities<Pick<TrustedActivities, 'latchTask'>>({
  ...trusted,
  startToCloseTimeout: '2 s',
  priority: { priorityKey: 1 },
  retry: { initialInterval: '100 ms', backoffCoefficient: 1.5, maximumInterval: '1 s' },
});

/** Inside the workflow task itself: a kill that finds the stop process well needs no other queue and no second workflow task. */
export const stopProcess = proxyLocalActivities<Pick<AgentActivities, 'placeKill'>>({
  startToCloseTimeout: '400 ms',
  scheduleToCloseTimeout: '400 ms',
  retry: { maximumAttempts: 1 },
});

/** Reaches an external system, whose own deadline is shorter. A target that is still busy with an earlier generation is waited for, a while. */
export const mint = proxyActivities<Pick<TrustedActivities, 'issueGrant'>>({
  ...trusted,
  startToCloseTimeout: '45 s',
  scheduleToCloseTimeout: '2 min',
});

/** Asking a model twice costs money, nothing else: retried like any read. */
export function model(summary: string) {
  return proxyActivities<Pick<AgentActivities, 'callModel'>>({
    taskQueue: queues.agent,
    cancellationType,
    startToCloseTimeout: '10 min',
    scheduleToCloseTimeout: '1 h',
    heartbeatTimeout: '10 s',
    retry: { initialInterval: '500 ms', maximumInterval: '30 s' },
    summary,
  });
}

/**
 * A tool call that may have reached its target is never sent again by us: the activity retries only what it knows was not sent,
 * and an attempt that was lost with its worker ends here, as an answer that says so.
 */
const toolCall: ActivityOptions = {
  taskQueue: queues.agent,
  cancellationType,
  startToCloseTimeout: '5 min',
  heartbeatTimeout: '10 s',
  retry: {
    initialInterval: '200 ms',
    maximumInterval: '10 s',
    nonRetryableErrorTypes: ['TemporalTimeout:StartToClose', 'TemporalTimeout:Heartbeat'],
  },
};

export function tool(summary: string) {
  return proxyActivities<Pick<AgentActivities, 'callTool'>>({ ...toolCall, summary });
}

/** As long as both may take. Cancelled, it gives up the model and says what the call came to. */
export function step(summary: string) {
  return proxyActivities<Pick<AgentActivities, 'callToolThenModel'>>({
    ...toolCall,
    startToCloseTimeout: '15 min',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  });
}
