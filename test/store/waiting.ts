import { setTimeout as sleep } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';

/** Polls what the server itself says: no test here decides by the clock. */
export async function untilBlocked(ledger: Ledger, application: string): Promise<void> {
  for (;;) {
    if (await isBlocked(ledger, application)) return;
    await sleep(5);
  }
}

/** Which comes first: the promise's end, or the server saying that the session it runs in waits for somebody's lock? */
export async function doneOrBlocked<T>(
  ledger: Ledger,
  application: string,
  work: Promise<T>,
): Promise<{ readonly done: T } | 'blocked'> {
  let settled: { readonly done: T } | undefined;
  let failure: unknown;
  const watched = work.then(
    (done) => {
      settled = { done };
    },
    (thrown: unknown) => {
      failure = thrown ?? new Error('failed without a reason');
    },
  );
  for (;;) {
    await Promise.race([watched, sleep(5)]);
    if (failure !== undefined) throw failure;
    if (settled !== undefined) return settled;
    if (await isBlocked(ledger, application)) return 'blocked';
  }
}

async function isBlocked(ledger: Ledger, application: string): Promise<boolean> {
  const rows = await ledger.sql(
    `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(pid)) > 0`,
    [application],
  );
  return rows.length > 0;
}
