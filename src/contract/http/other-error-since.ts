import type { Obligation } from './stops.ts';

/** A person was called because of one thing, and since then it fails with another: perhaps because somebody has mended the first. */
export function otherErrorSince({
  needsHuman,
  lastError,
}: Pick<Obligation, 'needsHuman' | 'lastError'>): string | undefined {
  if (needsHuman === null || lastError === null) return undefined;
  return lastError.endsWith(needsHuman) ? undefined : lastError;
}
