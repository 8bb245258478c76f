import { condition, sleep } from '@temporalio/workflow';
import type { PendingApproval } from '../../contract/agent-task.ts';
import { ledger } from './activities.ts';

export type ApprovalDecision = 'approved' | 'denied' | 'expired' | 'closed';

/** Signals that were seen so far; a count, so that thousands of them are one wake-up. */
export interface WakeUps {
  count(): number;
}

const minGapMs = 1_000;
const firstLookMs = 30_000;
const longestLookMs = 10 * 60_000;

/**
 * The store decides. A signal only makes us look, at most once a second however many come; one that was lost is made up for by
 * looking now and then; and what is undecided when it expires is denied.
 */
export async function awaitDecision(
  pending: PendingApproval,
  wakeUps: WakeUps,
  seen: number,
  mustLeave: () => boolean,
): Promise<ApprovalDecision | 'leave'> {
  const expiresAt = Date.parse(pending.expiresAt);
  let lookMs = firstLookMs;
  let lookedAt = 0;
  for (;;) {
    const leftMs = Math.max(0, expiresAt - Date.now());
    const woken = () => wakeUps.count() !== seen || mustLeave();
    if (leftMs > 0 && !woken()) await condition(woken, Math.min(leftMs, lookMs));
    if (mustLeave()) return 'leave';
    const gapMs = lookedAt + minGapMs - Date.now();
    if (gapMs > 0) await sleep(gapMs);
    seen = wakeUps.count();
    lookedAt = Date.now();
    const isOver = lookedAt >= expiresAt;
    const state = await ledger.approvalState(pending.approvalId);
    switch (state) {
      case 'approved':
      case 'denied':
      case 'expired':
        return state;
      case 'closed':
      case 'redeemed':
      case 'unknown':
        return 'closed';
      case 'pending':
        if (isOver) return 'expired';
        lookMs = Math.min(lookMs * 2, longestLookMs);
        break;
      default:
        return state satisfies never;
    }
  }
}
