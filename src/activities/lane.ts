import type { ConnectorSystem } from '../connectors/kit/contract.ts';
import type { ControlActivities, LaneSpec, StopReview } from '../contract/activities.ts';
import type { Log } from '../contract/identity.ts';
import { lanesPerChild } from '../contract/numbers.ts';
import { cuttingPhases } from '../contract/phases.ts';
import { readProofState, readStopUnderWay } from '../store/halt.ts';
import { type LaneKey, listOpenLanes } from '../store/lane-record.ts';
import { labelNeedsHuman } from '../store/lanes.ts';
import { finalLanes, openObligations } from '../store/obligations.ts';
import type { Store } from '../store/pool.ts';
import { markStage } from '../store/stop-progress.ts';
import { coveredOpenTasks } from '../store/tasks.ts';

/** What lanes need to know of a connector without building it. */
export interface SystemDirectory {
  system(connectorId: string): Pick<ConnectorSystem, 'phases' | 'settleMs' | 'attemptMs'> | undefined;
}

interface LaneDeps {
  readonly store: Store;
  readonly directory: SystemDirectory;
  readonly log: Log;
}

/** A connector that is gone from the configuration: its lanes wait, with everything still to do, for it to come back. */
const unknownSystem = { phases: cuttingPhases, settleMs: 0, attemptMs: 15_000 } as const;

/** A lane that never had its turn is a crowd before it, unless it lasts: then nobody serves its connector. */
const queuedTooLongMs = 10 * 60_000;

const isStop = (causeId: string): boolean => !causeId.startsWith('end:');

export function createLaneActivities(
  deps: LaneDeps,
): Pick<ControlActivities, 'listLanes' | 'escalateLanes' | 'reviewStop'> {
  const { store, directory, log } = deps;
  const toSpec = ({ obligationId, connector, target, round }: LaneKey): LaneSpec => {
    const { phases, settleMs, attemptMs } = directory.system(connector) ?? unknownSystem;
    return { obligationId, connector, target, phases, settleMs, attemptMs, round };
  };
  return {
    listLanes: async ({ causeId, agentId, limit, after, openedWithinMs }) => {
      if (isStop(causeId) && after === undefined) await openObligations(store, causeId);
      return (await listOpenLanes(store, { causeId, agentId, limit, after: after ?? '', openedWithinMs })).map(toSpec);
    },
    escalateLanes: async ({ obligationIds, why }) => {
      for (const obligationId of await labelNeedsHuman(store, obligationIds, why, queuedTooLongMs))
        log.error({ event: 'lane.needs-human', obligationId, why }, 'a lane needs a person; it is still being tried');
    },
    reviewStop: (stopId) => review(deps, stopId, toSpec),
  };
}

/** Asks the ledger what holds now, and stamps it. Each stage is refused there again if the ledger itself does not bear it out. */
async function review(
  { store, directory }: LaneDeps,
  stopId: string,
  toSpec: (lane: LaneKey) => LaneSpec,
): Promise<StopReview> {
  const stop = await readStopUnderWay(store, stopId);
  if (stop === undefined)
    return { halted: true, revoked: true, sweepsDone: 2, finalLanes: [], proved: true, waitMs: 0 };
  const halted = (await coveredOpenTasks(store, stopId, 1)).length === 0;
  if (halted) await markStage(store, stopId, 'halted');
  const state = await readProofState(store, stopId);
  const revoked = state.uncovered === 0 && state.acted === state.total;
  if (revoked) await markStage(store, stopId, 'revoked');
  const { sweepsDone } = stop;
  const base = { halted, revoked, sweepsDone };
  if (!halted || !revoked || !stop.fenced || sweepsDone < 2)
    return { ...base, finalLanes: [], proved: false, waitMs: 0 };

  if (state.final === state.total && (await markStage(store, stopId, 'proved')))
    return { ...base, finalLanes: [], proved: true, waitMs: 0 };
  const settleMs = Math.max(
    0,
    ...state.connectors.map((connectorId) => (directory.system(connectorId) ?? unknownSystem).settleMs),
  );
  const waitMs = Math.max(0, settleMs - (state.sinceLastCutMs ?? settleMs));
  // rule: settle, final-probe. Nothing is probed for the last time while a lane is still being cut; a residual one is on its own.
  if (waitMs > 0 || state.open > 0) return { ...base, finalLanes: [], proved: false, waitMs };
  return {
    ...base,
    finalLanes: (await finalLanes(store, stopId, lanesPerChild)).map(toSpec),
    proved: false,
    waitMs: 0,
  };
}
