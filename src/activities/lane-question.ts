import type { Connector, ConnectorSystem, LedgerGrant, ProbeResult } from '../connectors/kit/contract.ts';
import type { Log, Sealer } from '../contract/identity.ts';
import type { Phase } from '../contract/phases.ts';
import { mintRecheck } from '../store/grants.ts';
import { type Lane, readLane } from '../store/lane-record.ts';
import type { Conclusion } from '../store/lanes.ts';
import type { Store } from '../store/pool.ts';
import { underDeadline } from './deadline.ts';
import { failAttempt } from './lane-attempt.ts';
import { toLedgerGrant } from './ledger-grant.ts';
import type { Turns } from './turns.ts';

export interface LaneDeps {
  readonly store: Store;
  readonly environment: string;
  readonly sealer: Sealer;
  readonly log: Log;
  /** Throws where the connector cannot be built; its lanes keep trying. */
  readonly get: (connectorId: string) => Held;
  readonly turns: Turns;
  /** One of a crowd: it holds its turn already. The system is given no longer than this, or else its own deadline. */
  readonly inCrowd?: { readonly patienceMs?: number };
}

interface Held {
  readonly connector: Connector;
  readonly system: ConnectorSystem;
}

export type Verdict =
  | { readonly kind: 'dead'; readonly conclusion: Conclusion }
  | { readonly kind: 'alive'; readonly why: string }
  | { readonly kind: 'residual'; readonly until: string; readonly why: string };

/** What the probe of a lane says, until `unwanted` ends it. */
export function question(deps: LaneDeps, lane: Lane, unwanted: AbortSignal): Promise<Verdict> {
  return lane.grant.state === 'intended' ? askIssuer(deps, lane, unwanted) : askSystem(deps, lane, unwanted);
}

/**
 * An `intended` grant: whether the issuer ever acted is unknown. It is over only when the right to mint it is dead (nobody had
 * asked the issuer, and whoever would now is refused by the store; or its name is held, so that the issuer itself refuses), or its
 * absolute end has passed and the issuer lists nothing. rule: intended-closed-late
 */
async function askIssuer(deps: LaneDeps, lane: Lane, unwanted: AbortSignal): Promise<Verdict> {
  const listed = await ask(deps, lane, 'probe', unwanted, ({ connector }, grant, signal) =>
    connector.lists(grant, { signal }),
  );
  if (listed === 'present') return { kind: 'alive', why: 'the issuer lists what was intended' };
  const { asked, pastEnd, absoluteEnd } = lane.grant;
  if ((pastEnd && listed === 'absent') || (!asked && (await endUnasked(deps.store, lane))))
    return { kind: 'dead', conclusion: { kind: 'expired' } };
  const held = await ask(deps, lane, 'probe', unwanted, probeBesideControl);
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
async function askSystem(deps: LaneDeps, lane: Lane, unwanted: AbortSignal): Promise<Verdict> {
  const result = await ask(deps, lane, 'probe', unwanted, probeBesideControl);
  switch (result.kind) {
    case 'denied':
      return { kind: 'dead', conclusion: { kind: 'proved', evidence: result.evidence } };
    case 'allowed':
      return { kind: 'alive', why: result.why };
    case 'residual-until':
      return { kind: 'residual', until: result.until, why: result.why };
    case 'inconclusive':
      throw await failAttempt(deps, lane, 'probe', { why: result.why });
  }
}

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
export async function ask<Result>(
  deps: LaneDeps,
  lane: Lane,
  phase: Phase,
  outer: AbortSignal,
  work: (held: Held, grant: LedgerGrant, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    const held = deps.get(lane.connector);
    const grant = toLedgerGrant(lane.grant, deps.environment, deps.sealer);
    const { attemptMs, concurrency: width } = held.system;
    const asking = (): Promise<Result> =>
      underDeadline(Math.min(attemptMs, deps.inCrowd?.patienceMs ?? attemptMs), outer, (signal) =>
        work(held, grant, signal),
      );
    if (deps.inCrowd !== undefined) return await asking();
    return await deps.turns.run({ connector: lane.connector, width, rank: 'first' }, asking);
  } catch (thrown) {
    if (outer.aborted) throw thrown;
    throw await failAttempt(deps, lane, phase, thrown);
  }
}
