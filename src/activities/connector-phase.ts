import type { Connector, ConnectorSystem, LedgerGrant, ProbeResult, RevokeResult } from '../connectors/kit/contract.ts';
import type { ConnectorActivities, PhaseOutcome, ProbeOutcome } from '../contract/activities.ts';
import type { Log, Sealer } from '../contract/identity.ts';
import type { CuttingPhase, Phase } from '../contract/phases.ts';
import { EstopError } from '../core/errors.ts';
import { mintRecheck } from '../store/grants.ts';
import { type Lane, readLane, readResidualOfCuts } from '../store/lane-record.ts';
import {
  beginPhase,
  type Conclusion,
  concludeObligation,
  endPhase,
  markFinal,
  markRevoked,
  reopenObligation,
} from '../store/lanes.ts';
import type { Store } from '../store/pool.ts';
import { createActsInHand } from './acts-in-hand.ts';
import { underDeadline } from './deadline.ts';
import { beating, workerShutdown } from './heartbeat.ts';
import { failAttempt } from './lane-attempt.ts';
import { toLedgerGrant } from './ledger-grant.ts';
import { phaseHeldBack } from './phase-held-back.ts';
import { untilWritten } from './until-written.ts';

export interface ConnectorPhaseDeps {
  readonly store: Store;
  readonly environment: string;
  readonly sealer: Sealer;
  readonly log: Log;
  /** Throws where the connector cannot be built; its lanes keep trying. */
  readonly get: (connectorId: string) => { readonly connector: Connector; readonly system: ConnectorSystem };
}

/** The last probe is no phase of a lane: it may be asked again and again, until it passes after the last cut of the whole stop. */
const finalPhase = 'final-probe';

/** One step of one lane. Idempotent by obligation, phase and round: what is done is answered from the ledger. */
export function createConnectorActivities(deps: ConnectorPhaseDeps): ConnectorActivities {
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
    finalProbe: async ({ obligationId, round }) => {
      const lane = await readLane(deps.store, obligationId);
      if (lane === undefined || lane.isFinal || !isConcluded(lane)) return { kind: 'proved' };
      return proveOnceMore(deps, lane, round);
    },
  };
}

const isConcluded = (lane: Lane): boolean =>
  lane.isFinal || lane.state === 'proved' || lane.state === 'expired' || lane.state === 'accepted-risk';

/**
 * Once begun it goes on to its own deadline although Temporal has given this attempt up, and what came of it is written down: only a
 * process that ends in between leaves a cut of which nobody knows. rule: idempotent-by-obligation-phase
 */
async function cut(deps: ConnectorPhaseDeps, lane: Lane, phase: CuttingPhase, round: number): Promise<PhaseOutcome> {
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
async function settleCut(
  deps: ConnectorPhaseDeps,
  lane: Lane,
  phase: Phase,
  result: RevokeResult,
): Promise<PhaseOutcome> {
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

async function prove(deps: ConnectorPhaseDeps, lane: Lane, round: number): Promise<ProbeOutcome> {
  const { store } = deps;
  const { obligationId } = lane;
  await markRevoked(store, obligationId, round);
  const left = asOutcome(await readResidualOfCuts(store, obligationId, round));
  if (left.kind === 'residual' && Date.parse(left.until) > Date.now())
    return becomeResidual(store, obligationId, round, left);
  await beginPhase(store, { obligationId, phase: 'probe', round });
  const verdict = await question(deps, lane, 'probe');
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

/** rule: final-probe, open-until-final */
async function proveOnceMore(deps: ConnectorPhaseDeps, lane: Lane, round: number): Promise<ProbeOutcome> {
  const begun = await beginPhase(deps.store, { obligationId: lane.obligationId, phase: finalPhase, round });
  if (begun.kind !== 'begun') return { kind: 'proved' };
  const verdict = await question(deps, lane, 'probe');
  if (verdict.kind === 'dead') {
    // Not taken if something was cut again meanwhile: then the review asks for another one.
    await markFinal(deps.store, lane.obligationId, round, begun.begunAt);
    return { kind: 'proved' };
  }
  deps.log.error(
    { event: 'lane.reopened', obligationId: lane.obligationId, why: verdict.why },
    'the last probe found access; the lane is opened again',
  );
  await reopenObligation(deps.store, lane.obligationId, round, verdict.why);
  return { kind: 'alive', why: verdict.why };
}

type Verdict =
  | { readonly kind: 'dead'; readonly conclusion: Conclusion }
  | { readonly kind: 'alive'; readonly why: string }
  | { readonly kind: 'residual'; readonly until: string; readonly why: string };

function question(deps: ConnectorPhaseDeps, lane: Lane, phase: Phase): Promise<Verdict> {
  return lane.grant.state === 'intended' ? askIssuer(deps, lane, phase) : askSystem(deps, lane, phase);
}

/**
 * An `intended` grant: whether the issuer ever acted is unknown. It is over only when the right to mint it is dead (nobody had
 * asked the issuer, and whoever would now is refused by the store; or its name is held, so that the issuer itself refuses), or its
 * absolute end has passed and the issuer lists nothing. rule: intended-closed-late
 */
async function askIssuer(deps: ConnectorPhaseDeps, lane: Lane, phase: Phase): Promise<Verdict> {
  const listed = await beating((unwanted) =>
    ask(deps, lane, phase, unwanted, ({ connector }, grant, signal) => connector.lists(grant, { signal })),
  );
  if (listed === 'present') return { kind: 'alive', why: 'the issuer lists what was intended' };
  const { asked, pastEnd, absoluteEnd } = lane.grant;
  if ((pastEnd && listed === 'absent') || (!asked && (await endUnasked(deps.store, lane))))
    return { kind: 'dead', conclusion: { kind: 'expired' } };
  const held = await beating((unwanted) => ask(deps, lane, phase, unwanted, probeBesideControl));
  if (held.kind === 'allowed') return { kind: 'alive', why: held.why };
  if (held.kind === 'denied') return { kind: 'dead', conclusion: { kind: 'proved', evidence: held.evidence } };
  return { kind: 'residual', until: absoluteEnd, why: 'the issuer may still execute a request whose answer was lost' };
}

/**
 * That nobody had asked is only what could be read. A mint that looked at the stops before this one, and has not committed, is about
 * to ask: so the row is ended under the lock that the mint holds, or it turns out that the issuer may have been asked after all.
 */
async function endUnasked(store: Store, { obligationId, grant }: Lane): Promise<boolean> {
  await mintRecheck(store, grant.grantId);
  return (await readLane(store, obligationId))?.grant.state === 'ended';
}

/** The control identity is asked before and after: a denial while everybody is denied proves nothing. rule: control-identity, affirmative-denial */
async function askSystem(deps: ConnectorPhaseDeps, lane: Lane, phase: Phase): Promise<Verdict> {
  const result = await beating((unwanted) => ask(deps, lane, phase, unwanted, probeBesideControl));
  switch (result.kind) {
    case 'denied':
      return { kind: 'dead', conclusion: { kind: 'proved', evidence: result.evidence } };
    case 'allowed':
      return { kind: 'alive', why: result.why };
    case 'residual-until':
      return { kind: 'residual', until: result.until, why: result.why };
    case 'inconclusive':
      throw await failAttempt(deps, lane, phase, { why: result.why });
  }
}

type Held = ReturnType<ConnectorPhaseDeps['get']>;

async function probeBesideControl({ connector }: Held, grant: LedgerGrant, signal: AbortSignal): Promise<ProbeResult> {
  const before = await connector.control(grant, { signal });
  if (before.kind !== 'allowed')
    return { kind: 'inconclusive', why: `the control is not allowed either: ${before.why}` };
  const probed = await connector.probe(grant, { signal });
  if (probed.kind !== 'denied') return probed;
  const after = await connector.control(grant, { signal });
  return after.kind === 'allowed'
    ? probed
    : { kind: 'inconclusive', why: `the control is no longer allowed: ${after.why}` };
}

/**
 * One attempt under the connector's deadline, or until `outer` ends it. Whatever it throws is a failed attempt of an open lane, never
 * the end of one.
 */
async function ask<Result>(
  deps: ConnectorPhaseDeps,
  lane: Lane,
  phase: Phase,
  outer: AbortSignal,
  work: (held: Held, grant: LedgerGrant, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    const held = deps.get(lane.connector);
    const grant = toLedgerGrant(lane.grant, deps.environment, deps.sealer);
    return await underDeadline(held.system.attemptMs, outer, (signal) => work(held, grant, signal));
  } catch (thrown) {
    if (outer.aborted) throw thrown;
    throw await failAttempt(deps, lane, phase, thrown);
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
