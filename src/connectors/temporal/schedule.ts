import type { Client, ScheduleDescription, ScheduleOptions } from '@temporalio/client';
import type { CallContext, LedgerGrant } from '../kit/contract.ts';
import type { Target } from './target.ts';

/**
 * What stands under the name of a grant's schedule. A name that was cut is held by a tombstone: a schedule that starts nothing, so
 * that a request of an issue which was on its way all the time finds the name taken. The server forgets a tombstone after a week
 * without action; a grant has ended long before.
 */
export type Standing =
  | { readonly kind: 'absent' }
  | { readonly kind: 'live'; readonly grantId: unknown; readonly paused: boolean; readonly started: readonly string[] }
  | { readonly kind: 'tombstone'; readonly was: 'cut' | 'never-made'; readonly started: readonly string[] };

/** A queue without a worker, and a type that no worker knows: whoever triggers a tombstone gets a workflow that ends by itself. */
const tombstoneType = 'estopTombstone';
const unpolledQueue = 'estop-never-polled';
const memo = { state: 'estop', grantId: 'estopGrant', started: 'estopStarted' } as const;

export const idOf = (grant: LedgerGrant): string => String(grant.handle['scheduleId']);

/** What a schedule starts is named after it. */
export const startedPrefix = (grant: LedgerGrant): string => `${idOf(grant)}/`;

export async function readStanding(target: Target, grant: LedgerGrant, context: CallContext): Promise<Standing> {
  const described = await target.find('Describing a schedule', context, (client) => handleOf(client, grant).describe());
  if (described === 'not-found') return { kind: 'absent' };
  const was = described.memo?.[memo.state];
  if ((was === 'cut' || was === 'never-made') && startsNothing(described)) {
    return { kind: 'tombstone', was, started: stringsIn(described.memo?.[memo.started]) };
  }
  return {
    kind: 'live',
    grantId: described.memo?.[memo.grantId],
    paused: described.state.paused,
    started: startedBy(described),
  };
}

export function handleOf(client: Client, grant: LedgerGrant) {
  return client.schedule.getHandle(idOf(grant));
}

export async function createSchedule(client: Client, grant: LedgerGrant): Promise<void> {
  await client.schedule.create({
    scheduleId: idOf(grant),
    // The issuer is told the absolute end: after it the schedule starts nothing.
    spec: { intervals: [{ every: Number(grant.handle['everySeconds']) * 1_000 }], endAt: new Date(grant.absoluteEnd) },
    policies: { overlap: 'SKIP', catchupWindow: '10s' },
    memo: { [memo.state]: 'issued', [memo.grantId]: grant.grantId },
    action: {
      type: 'startWorkflow',
      workflowType: String(grant.handle['workflowType']),
      taskQueue: String(grant.handle['taskQueue']),
      workflowId: `${startedPrefix(grant)}wake`,
      args: [],
    },
  });
}

export async function createTombstone(
  client: Client,
  grant: LedgerGrant,
  was: 'cut' | 'never-made',
  started: readonly string[],
): Promise<void> {
  await client.schedule.create(
    idle(idOf(grant), { [memo.state]: was, [memo.started]: started }, `estop: ${was}; holds the name`),
  );
}

/** The positive control: a schedule outside every scope. */
export async function createControl(client: Client, scheduleId: string): Promise<void> {
  await client.schedule.create(
    idle(scheduleId, { [memo.state]: 'control' }, 'estop: positive control; starts nothing'),
  );
}

function idle(scheduleId: string, memoFields: Record<string, unknown>, note: string): ScheduleOptions {
  return {
    scheduleId,
    spec: {},
    memo: memoFields,
    state: { note },
    action: {
      type: 'startWorkflow',
      workflowType: tombstoneType,
      taskQueue: unpolledQueue,
      // Not named after the grant: it is none of the agent's.
      workflowId: `tombstone_of_${scheduleId}`,
      workflowExecutionTimeout: '1s',
      args: [],
    },
  };
}

/** A memo can be written by anyone who may create schedules; what a schedule does cannot be made up. */
function startsNothing({ action, info }: ScheduleDescription): boolean {
  return (
    action.type === 'startWorkflow' &&
    action.workflowType === tombstoneType &&
    action.taskQueue === unpolledQueue &&
    info.nextActionTimes.length === 0
  );
}

/** The schedule's own record of the last ten and of those that run: unlike the list of workflows it does not lag. */
function startedBy({ info }: ScheduleDescription): readonly string[] {
  const workflows = [
    ...info.recentActions.map(({ action }) => action.workflow),
    ...info.runningActions.map((action) => action.workflow),
  ];
  return [...new Set(workflows.map(({ workflowId }) => workflowId))];
}

function stringsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
