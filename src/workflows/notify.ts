import type { RawValue } from '@temporalio/common';
import {
  ActivityFailure,
  CancellationScope,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type { DueDelivery, NotifyActivities } from '../contract/activities.ts';
import { signals } from '../contract/names.ts';
import { defineUntrustedSignal, readUntrusted } from './untrusted-signal.ts';

export interface NotifyInput {
  readonly noticeId: string;
}

const { planNotice, giveUpDelivery, settleNotice } = proxyActivities<
  Pick<NotifyActivities, 'planNotice' | 'giveUpDelivery' | 'settleNotice'>
>({ startToCloseTimeout: 10_000, retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 30_000 } });

/** A day, as senders of webhooks are advised; whoever is away longer reads the console. */
const tryingMs = 24 * 3_600_000;
const tryFor = (leftMs: number) =>
  proxyActivities<Pick<NotifyActivities, 'deliverNotice'>>({
    startToCloseTimeout: 40_000,
    heartbeatTimeout: 5_000,
    scheduleToCloseTimeout: leftMs,
    retry: { initialInterval: 1_000, backoffCoefficient: 2, maximumInterval: 600_000 },
  });

const againSignal = defineUntrustedSignal(signals.again);

/** What is tried at each endpoint, and how to have it tried anew at once. */
type Trying = Map<string, Set<() => void>>;

/**
 * Tells people of one notice: everybody who hears of it at once, and then rung after rung until somebody has acknowledged, which the
 * ledger says and no message does. Its history holds ids alone. Ended by anybody, it is started again from the ledger and tells
 * nobody twice whom the ledger has as told. A word that an endpoint answers again ends a pause and nothing else.
 */
export async function notify({ noticeId }: NotifyInput): Promise<void> {
  const trying: Trying = new Map();
  setHandler(againSignal, (raw?: RawValue) => {
    const endpoint = readUntrusted(raw);
    if (typeof endpoint === 'string') for (const tryAnew of trying.get(endpoint) ?? []) tryAnew();
  });
  const due = await planNotice(noticeId);
  await Promise.all(due.map((delivery) => deliver(noticeId, delivery, trying)));
  await settleNotice(noticeId);
}

async function deliver(noticeId: string, { endpoint, rung, waitMs }: DueDelivery, trying: Trying): Promise<void> {
  if (waitMs > 0) await sleep(waitMs);
  const key = { noticeId, endpoint, rung };
  const since = Date.now();
  const isTried = async (): Promise<boolean> => {
    const scope = new CancellationScope();
    let isAnew = false;
    const tryAnew = (): void => {
      isAnew = true;
      scope.cancel();
    };
    const here = trying.get(endpoint) ?? new Set();
    trying.set(endpoint, here.add(tryAnew));
    try {
      const { deliverNotice } = tryFor(Math.max(1_000, tryingMs - (Date.now() - since)));
      await scope.run(() => deliverNotice(key));
      return true;
    } catch (thrown) {
      if (isAnew && isCancellation(thrown)) return false;
      throw thrown;
    } finally {
      here.delete(tryAnew);
    }
  };
  try {
    while (!(await isTried()));
  } catch (thrown) {
    if (!(thrown instanceof ActivityFailure) || isCancellation(thrown)) throw thrown;
    await giveUpDelivery(key);
  }
}
