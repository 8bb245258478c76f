import type { StopView } from '../contract/http/stops.ts';
import { EstopError } from '../core/errors.ts';
import { listObligations, type ObligationRecord } from '../store/obligations.ts';
import { possiblyCompletedCalls } from '../store/possibly-completed.ts';
import { stopProgress } from '../store/stop-progress.ts';
import { stopSummaries } from '../store/stop-summaries.ts';
import type { ControlDeps } from './deps.ts';
import { isScopeKnown } from './is-scope-known.ts';
import { knownInTime } from './known-in-time.ts';
import { showObligation } from './show-obligation.ts';
import { showStop } from './show-stop.ts';
import { stopsOver } from './stops-over.ts';
import { stopLink } from './workflow-link.ts';

const mostLanes = 200;
const mostCalls = 100;

/** The whole of one stop, from the ledger alone: it needs no worker, no workflow, no Temporal. */
export async function showStopView(deps: ControlDeps, stopId: string): Promise<StopView> {
  // The stages first: what they rest on is shown beside them, and may be further by then, never behind.
  const summary = (await stopSummaries(deps.store, [stopId])).get(stopId);
  const progress = await stopProgress(deps.store, stopId);
  if (summary === undefined || progress === undefined) throw new EstopError('unknown-stop');
  const hasReachedAny = progress.tasks.covered > 0 || progress.revocation.total > 0;
  const [lanes, calls, others, scopeKnown] = await Promise.all([
    lanesOf(deps, stopId),
    knownInTime(possiblyCompletedCalls(deps.store, stopId, mostCalls)),
    stopsOver(deps, stopId),
    hasReachedAny || knownInTime(isScopeKnown(deps, progress.stop.scopeKey)),
  ]);
  const shown = showStop(progress.stop, summary);
  return {
    ...shown,
    scopeKnown,
    obligations: { ...shown.obligations, uncovered: progress.revocation.uncovered },
    possiblyCompleted: progress.possiblyCompleted,
    tasks: progress.tasks,
    gateways: progress.gateways.map((gateway) => ({
      gatewayId: gateway.gatewayId,
      outcome: gateway.outcome,
      at: gateway.at ?? null,
    })),
    lanes: lanes.map((lane) => showObligation(lane, progress.stop.latchedAt, deps.temporalUiUrl)),
    lanesTruncated: lanes.length < progress.revocation.total,
    calls:
      calls === null
        ? null
        : calls.map((call) => ({
            callId: call.callId,
            taskId: call.taskId,
            tool: call.toolKey.replace(/^tool:/, ''),
            gatewayId: call.gatewayId,
            admittedAt: call.admittedAt,
          })),
    workflow: stopLink(deps.temporalUiUrl, stopId),
    alsoStoppedBy: others,
  };
}

/** What is open first, then what waits for its last probe, then what is final: with thousands of lanes those are the ones to look at. */
async function lanesOf(deps: ControlDeps, stopId: string): Promise<readonly ObligationRecord[]> {
  const [unfinished, newest] = await Promise.all([
    listObligations(deps.store, { causeId: stopId, unfinished: true, limit: mostLanes }),
    listObligations(deps.store, { causeId: stopId, limit: mostLanes }),
  ]);
  const known = new Set(unfinished.items.map((lane) => lane.obligationId));
  const isOpen = ({ state }: ObligationRecord): number => (state === 'open' || state === 'residual' ? 1 : 0);
  const toDo = unfinished.items.toSorted((one, other) => isOpen(other) - isOpen(one));
  return [...toDo, ...newest.items.filter((lane) => !known.has(lane.obligationId))].slice(0, mostLanes);
}
