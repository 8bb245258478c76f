import type { Client } from '@temporalio/client';
import { percentile } from './figure.ts';

export interface TimedRun {
  readonly workflowId: string;
  /** Wall clock, milliseconds since 1970. */
  readonly sentAt: number;
  readonly seenAt: number;
}

interface Leg {
  readonly name: string;
  readonly ms: number;
}

/** Where the time of finished runs went, by their histories: how many of each leg a run has, and the leg's median. */
export async function breakdownOf(client: Client, runs: readonly TimedRun[]): Promise<string> {
  const legs = new Map<string, number[]>();
  let count = 0;
  for (const run of runs) {
    const { events } = await client.workflow.getHandle(run.workflowId).fetchHistory();
    count += events?.length ?? 0;
    for (const { name, ms } of legsOf(events ?? [], run)) legs.set(name, [...(legs.get(name) ?? []), ms]);
  }
  const parts = [...legs].map(([name, values]) => {
    const each = Math.round(values.length / runs.length);
    return `${each} x ${name} ${percentile(values, 50).toFixed(1)}`;
  });
  return `${Math.round(count / runs.length)} events; median ms of: ${parts.join(', ')}`;
}

type Events = NonNullable<Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']>;

function legsOf(events: Events, { sentAt, seenAt }: TimedRun): readonly Leg[] {
  const legs: Leg[] = [];
  const scheduled = new Map<string, { readonly name: string; readonly at: number }>();
  const started = new Map<string, number>();
  let taskScheduledAt = 0;
  let taskStartedAt = 0;
  for (const event of events) {
    const at = Number(event.eventTime?.seconds ?? 0) * 1_000 + (event.eventTime?.nanos ?? 0) / 1e6;
    if (event.workflowTaskScheduledEventAttributes) taskScheduledAt = at;
    if (event.workflowTaskStartedEventAttributes) {
      legs.push({ name: 'workflow task waits', ms: at - taskScheduledAt });
      taskStartedAt = at;
    }
    if (event.workflowTaskCompletedEventAttributes) legs.push({ name: 'workflow task runs', ms: at - taskStartedAt });
    const { activityTaskScheduledEventAttributes: order } = event;
    if (order) scheduled.set(String(event.eventId), { name: order.activityType?.name ?? '', at });
    const start = event.activityTaskStartedEventAttributes;
    if (start) started.set(String(start.scheduledEventId), at);
    const end = event.activityTaskCompletedEventAttributes;
    const key = String(end?.scheduledEventId ?? '');
    const activity = scheduled.get(key);
    if (end && activity !== undefined) {
      const startedAt = started.get(key) ?? activity.at;
      legs.push({ name: `${activity.name} waits`, ms: startedAt - activity.at });
      legs.push({ name: `${activity.name} runs`, ms: at - startedAt });
    }
    if (event.workflowExecutionStartedEventAttributes) legs.push({ name: 'request to started', ms: at - sentAt });
    if (event.workflowExecutionCompletedEventAttributes) legs.push({ name: 'closed to seen', ms: seenAt - at });
  }
  return legs;
}
