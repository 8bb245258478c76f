import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { inWindow } from '../../activities/window.ts';
import type { Log } from '../../contract/identity.ts';
import { notifyWorkflowId, queues, signals, workflowTypes } from '../../contract/names.ts';
import type { NotificationsSpec } from '../../contract/notifications.ts';
import {
  noteNews,
  pruneNotices,
  type Resting,
  type TakenNotice,
  takeNotices,
  takeResting,
  untakeNotice,
} from '../../store/notices.ts';
import type { Store } from '../../store/pool.ts';
import type { Round } from './keep-going.ts';
import type { RequireOwnTemporal } from './own-temporal.ts';

interface NoticeDeps {
  /** Of its own, so that telling takes no connection from the fence. */
  readonly store: Store;
  readonly client: Client;
  readonly requireOwn: RequireOwnTemporal;
  readonly notifications: () => NotificationsSpec | undefined;
  readonly log: Log;
}

const pauseMs = 500;
const portion = 50;
const width = 8;
const callMs = 5_000;
/** A notice that is not settled by then is looked after again: its workflow may have been ended by somebody. */
const againMs = 15_000;
/** Shorter pauses are not worth a word. */
const restMs = 60_000;
const windowMs = 24 * 3_600_000;
const lostMs = 10_000;
const flood = 5;
const defaultCrowd = { stops: 20, withinMs: 60_000 } as const;
const lowPriority = 5;

/**
 * Makes notices of what the ledger says, and sees that each is told by a workflow of its own id. It reads the ledger as everything in
 * the relay does, so that no process has to remember to tell; and nothing in the ledger waits for it.
 */
export function noticeRound(deps: NoticeDeps): Round {
  const { store, notifications, log } = deps;
  return {
    name: 'notices',
    run: async () => {
      const spec = notifications();
      const crowd = spec?.crowd ?? defaultCrowd;
      const nobody = spec === undefined || spec.endpoints.length === 0 ? 'nobody-to-tell' : undefined;
      const limits = { windowMs, crowd: crowd.stops, crowdMs: crowd.withinMs, flood, lostMs };
      await noteNews(store, limits, nobody);
      const taken = await takeNotices(store, againMs, portion);
      for (const { event, noticeId } of taken)
        if (event === 'stop.burst')
          log.error({ event, noticeId }, 'more stops than anybody orders by hand; all of them are latched');
      let failure: { readonly thrown: unknown } | undefined;
      const note = (_: unknown, thrown: unknown): void => void (failure = { thrown });
      await inWindow(taken, width, (notice) => startTelling(deps, notice), note);
      const resting = await takeResting(store, restMs, portion);
      await inWindow(resting, width, (delivery) => wake(deps, delivery), note);
      if (failure !== undefined) throw failure.thrown;
      return taken.length === portion ? 0 : pauseMs;
    },
  };
}

export function noticeTidyRound(store: Store, olderMs: number, atMost = 500): Round {
  return {
    name: 'notice-tidy',
    run: async () => ((await pruneNotices(store, olderMs, atMost)) < atMost ? 600_000 : 1_000),
  };
}

async function startTelling({ store, client, requireOwn }: NoticeDeps, { noticeId }: TakenNotice): Promise<void> {
  try {
    await requireOwn();
    await client.withDeadline(Date.now() + callMs, () =>
      client.workflow.start(workflowTypes.notify, {
        workflowId: notifyWorkflowId(noticeId),
        taskQueue: queues.notify,
        args: [{ noticeId }],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: { priorityKey: lowPriority },
      }),
    );
  } catch (thrown) {
    await untakeNotice(store, noticeId);
    throw thrown;
  }
}

/** A word that is lost costs the pause it would have ended: the workflow tries again without it, and one that was ended is started again. */
async function wake({ client, requireOwn }: NoticeDeps, { noticeId, endpoint }: Resting): Promise<void> {
  await requireOwn();
  const telling = client.workflow.getHandle(notifyWorkflowId(noticeId));
  try {
    await client.withDeadline(Date.now() + callMs, () => telling.signal(signals.again, endpoint));
  } catch (thrown) {
    if (!(thrown instanceof WorkflowNotFoundError)) throw thrown;
  }
}
