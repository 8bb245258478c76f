import type { StopReview } from '../contract/activities.ts';

const floorMs = 200;
const ceilingMs = 10_000;
/** While nothing but the gap between the two sweeps is waited for, of a crowd of stops each. */
const settledMs = 2_500;

/** How long the ledger is left alone after the first look. */
export const firstPauseMs = floorMs;

/** How long after this look the ledger is asked again, and the pause that the next one goes on from. */
export function nextLook(review: StopReview, lastMs: number): { readonly inMs: number; readonly pauseMs: number } {
  if (review.finalLanes.length > 0) return { inMs: floorMs, pauseMs: grown(floorMs) };
  const isSettled = review.halted && review.revoked && review.sweepsDone < 2;
  const pauseMs = isSettled ? Math.max(lastMs, settledMs) : lastMs;
  // The last probes are due at that moment: a pause that has grown over a lane that hung long is no reason to be late.
  return { inMs: review.waitMs > 0 ? Math.min(review.waitMs, ceilingMs) : pauseMs, pauseMs: grown(pauseMs) };
}

const grown = (pauseMs: number): number => Math.min(Math.ceil(pauseMs * 1.2), ceilingMs);
