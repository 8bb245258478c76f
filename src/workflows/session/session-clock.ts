import type { CallCounts } from '../../contract/activities.ts';
import type { SessionTerms } from '../../contract/agent-task.ts';

/** Looks cost history: seldom for a long session, often enough for a short one to end about when it should. */
const longestLookMs = 5 * 60_000;
const shortestLookMs = 1_000;

/** When it ends if nothing more is called. */
export function dueAt({ idleMs, endsAt }: SessionTerms, activeAt: number): number {
  return Math.min(activeAt + idleMs, Date.parse(endsAt));
}

export function nextLookAt({ idleMs }: SessionTerms, due: number, now: number): number {
  const pace = Math.max(shortestLookMs, Math.min(longestLookMs, idleMs / 4));
  return Math.min(now + pace, Math.max(due, now));
}

export function endOf(terms: SessionTerms, activeAt: number, now: number): 'idle' | 'expired' | undefined {
  if (now >= Date.parse(terms.endsAt)) return 'expired';
  return now >= activeAt + terms.idleMs ? 'idle' : undefined;
}

/** One line for all calls since the last look. Numbers alone: what was called stands in the ledger. */
export function noted({ admitted, completed, failed, unknown }: CallCounts, before: number): string {
  return `${admitted - before} calls; ${admitted} in all, ${completed} completed, ${failed} failed, ${unknown} unknown`;
}
