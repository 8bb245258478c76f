import { ActivityFailure, isCancellation, proxyActivities, sleep } from '@temporalio/workflow';
import type { DueDelivery, NotifyActivities } from '../contract/activities.ts';

export interface NotifyInput {
  readonly noticeId: string;
}

const { planNotice, giveUpDelivery, settleNotice } = proxyActivities<
  Pick<NotifyActivities, 'planNotice' | 'giveUpDelivery' | 'settleNotice'>
>({ startToCloseTimeout: 10_000, retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 30_000 } });

/** A day, as senders of webhooks are advised; whoever is away longer reads the console. */
const { deliverNotice } = proxyActivities<Pick<NotifyActivities, 'deliverNotice'>>({
  startToCloseTimeout: 40_000,
  heartbeatTimeout: 5_000,
  scheduleToCloseTimeout: '24 hours',
  retry: { initialInterval: 1_000, backoffCoefficient: 2, maximumInterval: 600_000 },
});

/**
 * Tells people of one notice: everybody who hears of it at once, and then rung after rung until somebody has acknowledged, which the
 * ledger says and no message does. Its history holds ids alone. Ended by anybody, it is started again from the ledger and tells
 * nobody twice whom the ledger has as told.
 */
export async function notify({ noticeId }: NotifyInput): Promise<void> {
  const due = await planNotice(noticeId);
  await Promise.all(due.map((delivery) => deliver(noticeId, delivery)));
  await settleNotice(noticeId);
}

async function deliver(noticeId: string, { endpoint, rung, waitMs }: DueDelivery): Promise<void> {
  if (waitMs > 0) await sleep(waitMs);
  const key = { noticeId, endpoint, rung };
  try {
    await deliverNotice(key);
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure) || isCancellation(thrown)) throw thrown;
    await giveUpDelivery(key);
  }
}
