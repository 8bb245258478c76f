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
export const doneOrBlocked = <T>(ledger: Ledger, application: string, work: Promise<T>) =>
  doneOr('blocked' as const, () => isBlocked(ledger, application), work);

/** The same for a session that a sabotage made sleep in the middle of a function. */
export const doneOrAsleep = <T>(ledger: Ledger, application: string, work: Promise<T>) =>
  doneOr('asleep' as const, () => isAsleep(ledger, application), work);

async function doneOr<T, Other>(other: Other, isSo: () => Promise<boolean>, work: Promise<T>) {
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
    if (await isSo()) return other;
  }
}

const isBlocked = (ledger: Ledger, application: string): Promise<boolean> =>
  isFound(ledger, application, "wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(pid)) > 0");

const isAsleep = (ledger: Ledger, application: string): Promise<boolean> =>
  isFound(ledger, application, "wait_event = 'PgSleep'");

async function isFound(ledger: Ledger, application: string, condition: string): Promise<boolean> {
  const query = `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND ${condition}`;
  return (await ledger.sql(query, [application])).length > 0;
}
