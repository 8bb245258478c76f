import type { StopView } from '../contract/http/stops.ts';
import { hasReached } from '../sdk/index.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';

/** How a stop may be called after what was VERIFIED of it, and nothing more. */
export type StopVerdict =
  | { readonly kind: 'proved' }
  /** Nobody here goes by its name: whatever was meant lives on. */
  | { readonly kind: 'names-nobody' }
  /** Everything is final, but some of it was not made dead, as far as anybody knows: a person answers for it. */
  | { readonly kind: 'accepted-risk'; readonly why: string }
  /** Everything that can end has ended; the rest waits for a date or a person. */
  | { readonly kind: 'partial'; readonly why: string }
  /** Under way. */
  | { readonly kind: 'latched'; readonly missing: readonly string[] };

export function judgeStop(stop: StopView): StopVerdict {
  const { open, needsHuman, residual, acceptedRisk, uncovered, total } = stop.obligations;
  if (hasReached(stop, 'proved')) {
    if (stop.scopeKnown === false) return { kind: 'names-nobody' };
    if (stop.scopeKnown === null)
      return { kind: 'partial', why: 'it covered nothing, and whether anybody here goes by this name is not known' };
    return acceptedRisk > 0 || stop.evidence === 'accepted-risk'
      ? { kind: 'accepted-risk', why: `${acceptedRisk} of ${total} accepted as a risk` }
      : { kind: 'proved' };
  }
  const isCut = hasReached(stop, 'fenced') && hasReached(stop, 'halted');
  const stuck = needsHuman + residual;
  if (isCut && uncovered === 0 && stuck > 0 && open <= needsHuman) {
    const parts = [
      ...(needsHuman > 0 ? [`${needsHuman} of ${total} ${needsHuman === 1 ? 'needs' : 'need'} a person`] : []),
      ...(residual > 0
        ? [`${residual} of ${total} ${residual === 1 ? 'ends' : 'end'} only at ${stop.residualUntil ?? 'a later time'}`]
        : []),
      ...(acceptedRisk > 0 ? [`${acceptedRisk} accepted as a risk`] : []),
    ];
    return { kind: 'partial', why: parts.join('; ') };
  }
  const missing = stop.stages.filter((entry) => entry.at === null).map((entry) => entry.stage);
  return { kind: 'latched', missing };
}

/** Nothing about this stop will change by itself any more. */
export function isConcluded(stop: StopView): boolean {
  return hasReached(stop, 'proved');
}

/** Waiting on cannot help when all that is left is a date beyond the wait. A lane that needs a person is still being tried. */
export function isWaitingVain(stop: StopView, deadline: number): boolean {
  const { open, needsHuman, residual } = stop.obligations;
  if (judgeStop(stop).kind !== 'partial' || open > 0 || needsHuman > 0 || residual === 0) return false;
  return stop.residualUntil !== null && Date.parse(stop.residualUntil) > deadline;
}

/** 0 says that everything is dead. What a person merely answers for is a part that is not: a script must be able to tell. */
export function exitCodeOfVerdict(verdict: StopVerdict): ExitCode {
  switch (verdict.kind) {
    case 'proved':
      return exitCodes.confirmed;
    case 'names-nobody':
      return exitCodes.notFound;
    case 'accepted-risk':
    case 'partial':
      return exitCodes.partial;
    case 'latched':
      return exitCodes.latchedOnly;
  }
}
