/** The protocol's times, in milliseconds. Two processes that disagree on one of these break a promise, so they stand here once. */
export const leaseMs = 3_000;
export const renewEveryMs = 1_000;
export const beatEveryMs = 1_000;

/** A direct latch that has not committed by then goes through the intake as well. */
export const latchPatienceMs = 500;
export const intakeRetryMs = 250;
export const tokenLifeMs = 15 * 60_000;
/** Reset stops stay in a gateway's view until the longest-lived token issued before them is dead, plus clock skew. */
export const viewRetainMs = tokenLifeMs + 60_000;
export const sweepGapMs = 5_000;
export const lanesPerChild = 400;
/** So long lanes of a crowd begin their first pass; those begun have `lastPassMs` more before they are left to go on alone. */
export const crowdPassMs = 5_000;
export const lastPassMs = 3_000;
/** A last probe that is one of a crowd is given up after this, and asked alone. */
export const finalProbePatienceMs = 3_000;
/** Grace for winding down under a category 1 stop; no tool call and no credential works in it. */
export const categoryOneGraceMs = 3_000;
