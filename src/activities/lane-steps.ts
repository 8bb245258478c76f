import type { RevokeResult } from '../connectors/kit/contract.ts';
import type { PhaseOutcome, ProbeOutcome } from '../contract/activities.ts';
import type { CuttingPhase, Phase } from '../contract/phases.ts';
import { isConcluded, type Lane, readLane, readResidualOfCuts } from '../store/lane-record.ts';
import { concludeObligation, endPhase, markRevoked, reopenObligation } from '../store/lanes.ts';
import type { Store } from '../store/pool.ts';
import type { ActsInHand } from './acts-in-hand.ts';
import { beginAttempt, failAttempt } from './lane-attempt.ts';
import { ask, type LaneDeps, question, type Verdict } from './lane-question.ts';
import { lateFrom } from './late-cut.ts';
import { phaseHeldBack } from './phase-held-back.ts';
import { untilWritten } from './until-written.ts';

export interface LaneSteps {
  /** Joins the same cut if this process has it in hand. Only `ending` ends it before its own deadline. */
  cut(lane: Lane, phase: CuttingPhase, round: number, ending: AbortSignal): Promise<PhaseOutcome>;
  /** `asking` gives the probe the signal that ends it. */
  prove(lane: Lane, round: number, asking: Asking): Promise<ProbeOutcome>;
}

type Asking = (work: (unwanted: AbortSignal) => Promise<Verdict>) => Promise<Verdict>;

/** What is done of one lane, whoever does it: a lane that goes alone, or one of a crowd. */
export function createLaneSteps(deps: LaneDeps, cuts: ActsInHand<PhaseOutcome>): LaneSteps {
  return {
    cut: (lane, phase, round, signal) =>
      cuts.join(`${lane.obligationId}/${phase}/${round}`, signal, (ending) => cut(deps, lane, phase, round, ending)),
    prove: (lane, round, asking) => prove(deps, lane, round, asking),
  };
}

/**
 * Once begun it goes on to its own deadline although Temporal has given this attempt up, and what came of it is written down: only a
 * process that ends in between leaves a cut of which nobody knows. rule: idempotent-by-obligation-phase
 */
async function cut(
  deps: LaneDeps,
  lane: Lane,
  phase: CuttingPhase,
  round: number,
  ending: AbortSignal,
): Promise<PhaseOutcome> {
  const key = { obligationId: lane.obligationId, phase, round };
  await phaseHeldBack(deps.store, lane, phase);
  const isLate = lateFrom(deps.store, key);
  const begun = await beginAttempt(deps.store, key);
  if (begun.kind === 'done') return asOutcome(begun.result);
  const result = await ask(deps, lane, phase, ending, async ({ connector, system }, grant, signal) => {
    if (!system.phases.includes(phase)) return { kind: 'already-gone' as const };
    if (await isLate(system.attemptMs)) return undefined;
    return connector.cut(phase, grant, { signal });
  });
  // Somebody else has seen to it. Nothing is written of an attempt that cut nothing, and the probe says what is left.
  if (result === undefined) return { kind: 'done' };
  const outcome = await settleCut(deps, lane, phase, result);
  await untilWritten(deps.store, ending, () => endPhase(deps.store, key, { ...outcome, result: result.kind }));
  return outcome;
}

/** Whether the cut took is never decided by its own answer: that is the probe's. What the answer decides is whether to try again. */
async function settleCut(deps: LaneDeps, lane: Lane, phase: Phase, result: RevokeResult): Promise<PhaseOutcome> {
  switch (result.kind) {
    case 'revoked':
    case 'already-gone':
    case 'not-found-unconfirmed':
      return { kind: 'done' };
    case 'residual-until':
      return { kind: 'residual', until: result.until, why: result.why };
    case 'retryable':
      throw await failAttempt(deps, lane, phase, {
        why: result.why,
        ...(result.retryAfterMs === undefined ? {} : { retryAfterMs: result.retryAfterMs }),
      });
    case 'needs-human':
      throw await failAttempt(deps, lane, phase, { why: result.why, needsHuman: result.why });
  }
}

async function prove(deps: LaneDeps, lane: Lane, round: number, asking: Asking): Promise<ProbeOutcome> {
  const { store } = deps;
  const { obligationId } = lane;
  await markRevoked(store, obligationId, round);
  const left = asOutcome(await readResidualOfCuts(store, obligationId, round));
  if (left.kind === 'residual' && Date.parse(left.until) > Date.now())
    return becomeResidual(store, obligationId, round, left);
  await beginAttempt(store, { obligationId, phase: 'probe', round });
  const verdict = await asking((unwanted) => question(deps, lane, unwanted));
  switch (verdict.kind) {
    case 'dead': {
      const taken = await concludeObligation(store, obligationId, round, verdict.conclusion);
      return taken ? { kind: 'proved' } : otherwise(store, obligationId);
    }
    case 'alive':
      await reopenObligation(store, obligationId, round, verdict.why);
      return verdict;
    case 'residual':
      return becomeResidual(store, obligationId, round, verdict);
  }
}

async function becomeResidual(
  store: Store,
  obligationId: string,
  round: number,
  residual: { readonly until: string; readonly why: string },
): Promise<ProbeOutcome> {
  const taken = await concludeObligation(store, obligationId, round, {
    kind: 'residual',
    until: residual.until,
    why: residual.why,
  });
  return taken ? { kind: 'residual', until: residual.until, why: residual.why } : otherwise(store, obligationId);
}

/** Somebody else moved this lane on while we asked. */
async function otherwise(store: Store, obligationId: string): Promise<ProbeOutcome> {
  const now = await readLane(store, obligationId);
  return now === undefined || isConcluded(now)
    ? { kind: 'proved' }
    : { kind: 'alive', why: 'this lane is in a newer round' };
}

function asOutcome(stored: unknown): PhaseOutcome {
  if (typeof stored !== 'object' || stored === null || !('kind' in stored) || stored.kind !== 'residual')
    return { kind: 'done' };
  const until = 'until' in stored ? stored.until : undefined;
  const why = 'why' in stored ? stored.why : undefined;
  return typeof until === 'string'
    ? { kind: 'residual', until, why: typeof why === 'string' ? why : '' }
    : { kind: 'done' };
}
