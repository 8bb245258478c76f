import type { RevokeResult } from '../connectors/kit/contract.ts';
import type { ConnectorActivities, PhaseOutcome, ProbeOutcome } from '../contract/activities.ts';
import type { CuttingPhase, Phase } from '../contract/phases.ts';
import { EstopError } from '../core/errors.ts';
import { isConcluded, type Lane, readLane, readResidualOfCuts } from '../store/lane-record.ts';
import { beginPhase, concludeObligation, endPhase, markRevoked, reopenObligation } from '../store/lanes.ts';
import type { Store } from '../store/pool.ts';
import { createActsInHand } from './acts-in-hand.ts';
import { createFinalProbes } from './final-probe.ts';
import { beating, workerShutdown } from './heartbeat.ts';
import { failAttempt } from './lane-attempt.ts';
import { ask, type LaneDeps, question } from './lane-question.ts';
import { phaseHeldBack } from './phase-held-back.ts';
import { createTurns } from './turns.ts';
import { untilWritten } from './until-written.ts';

/** One step of one lane. Idempotent by obligation, phase and round: what is done is answered from the ledger. */
export function createConnectorActivities(host: Omit<LaneDeps, 'turns' | 'inCrowd'>): ConnectorActivities {
  const deps: LaneDeps = { ...host, turns: createTurns() };
  const cuts = createActsInHand<PhaseOutcome>();
  return {
    runPhase: async ({ obligationId, phase, round }) => {
      if (phase === 'probe') throw new EstopError('internal', { detail: 'a probe is not a cut' });
      const lane = await readLane(deps.store, obligationId);
      // A run that has not heard of a newer round catches up with it; it cuts nothing in a round that is over.
      if (lane === undefined || lane.isFinal || round < lane.round) return { kind: 'done' };
      return beating(() => cuts.join(`${obligationId}/${phase}/${round}`, () => cut(deps, lane, phase, round)));
    },
    probeLane: async ({ obligationId, round }) => {
      const lane = await readLane(deps.store, obligationId);
      if (lane === undefined || isConcluded(lane)) return { kind: 'proved' };
      return prove(deps, lane, round);
    },
    ...createFinalProbes(deps),
  };
}

/**
 * Once begun it goes on to its own deadline although Temporal has given this attempt up, and what came of it is written down: only a
 * process that ends in between leaves a cut of which nobody knows. rule: idempotent-by-obligation-phase
 */
async function cut(deps: LaneDeps, lane: Lane, phase: CuttingPhase, round: number): Promise<PhaseOutcome> {
  const key = { obligationId: lane.obligationId, phase, round };
  await phaseHeldBack(deps.store, lane, phase);
  const begun = await beginPhase(deps.store, key);
  if (begun.kind === 'done') return asOutcome(begun.result);
  const shutdown = workerShutdown();
  const result = await ask(deps, lane, phase, shutdown, async ({ connector, system }, grant, signal) =>
    system.phases.includes(phase) ? connector.cut(phase, grant, { signal }) : { kind: 'already-gone' as const },
  );
  const outcome = await settleCut(deps, lane, phase, result);
  await untilWritten(deps.store, shutdown, () => endPhase(deps.store, key, { ...outcome, result: result.kind }));
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

async function prove(deps: LaneDeps, lane: Lane, round: number): Promise<ProbeOutcome> {
  const { store } = deps;
  const { obligationId } = lane;
  await markRevoked(store, obligationId, round);
  const left = asOutcome(await readResidualOfCuts(store, obligationId, round));
  if (left.kind === 'residual' && Date.parse(left.until) > Date.now())
    return becomeResidual(store, obligationId, round, left);
  await beginPhase(store, { obligationId, phase: 'probe', round });
  const verdict = await beating((unwanted) => question(deps, lane, unwanted));
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
