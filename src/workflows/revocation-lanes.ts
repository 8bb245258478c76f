import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ConnectorActivities, ControlActivities, LaneSpec } from '../contract/activities.ts';
import { connectorQueue } from '../contract/names.ts';
import { laneSummary } from './lane-summary.ts';

export interface RevocationLanesInput {
  readonly lanes: readonly LaneSpec[];
}

/** People are told of a lane that takes longer; the lane carries on. */
const escalateAfterMs = 60_000;
/** Of events: well below the server's limit and what one task can replay in time, above what 400 healthy lanes need. */
const longHistory = 10_000;
/** Beyond the connector's own deadline: for the ledger's writes around it. */
const attemptMarginMs = 5_000;
const pauseCeilingMs = 30_000;
const watchFloorMs = 1_000;
const watchCeilingMs = 60_000;

const { escalateLane } = proxyActivities<Pick<ControlActivities, 'escalateLane'>>({ startToCloseTimeout: 10_000 });

/**
 * At most 400 lanes, all at once, none waiting for another; how many run against one system is that system's queue's business.
 * Nobody can cancel them from outside: only the ledger ends a lane. rule: lane-independent
 */
export async function revocationLanes({ lanes }: RevocationLanesInput): Promise<void> {
  const open = new Map(lanes.map((lane) => [lane.obligationId, lane]));
  await CancellationScope.nonCancellable(async () => {
    const escalation = new CancellationScope();
    void escalation.run(() => escalateLater(open)).catch(() => undefined); // cancelled when all lanes have ended
    for (const lane of lanes) void runLane(lane, open);
    await condition(() => open.size === 0 || workflowInfo().historyLength > longHistory);
    escalation.cancel();
    // What is in hand at this moment is asked for again by the next run: its attempt joins this one, or finds its end in the ledger.
    if (open.size > 0) await continueAsNew<typeof revocationLanes>({ lanes: [...open.values()] });
  });
}

/** Never throws, never gives up. `open` always holds the lane as a next run would have to take it on. */
async function runLane(first: LaneSpec, open: Map<string, LaneSpec>): Promise<void> {
  let lane = first;
  for (let pause = 250; ; pause = Math.min(pause * 2, pauseCeilingMs)) {
    const verdict = await passThrough(lane);
    if (verdict === 'concluded') break;
    if (verdict === 'alive') lane = { ...lane, round: lane.round + 1 };
    open.set(lane.obligationId, lane);
    await sleep(pause);
  }
  open.delete(first.obligationId);
}

/** `broken`: an activity ended in a way that is not retried (a bug, a wrong configuration). The lane goes on all the same. */
type Verdict = 'concluded' | 'alive' | 'broken';

async function passThrough(lane: LaneSpec): Promise<Verdict> {
  const key = { obligationId: lane.obligationId, round: lane.round };
  try {
    for (const phase of lane.phases) await stepOf(lane, phase).runPhase({ ...key, phase });
    for (let watchMs = watchFloorMs; ; watchMs = Math.min(watchMs * 2, watchCeilingMs)) {
      const outcome = await stepOf(lane, 'probe').probeLane(key);
      if (outcome.kind === 'proved') return 'concluded';
      if (outcome.kind === 'alive') return 'alive';
      // Residual access is watched until its end, then proved like any other: what was issued late is found before that and cut.
      // rule: residual-watched
      await sleep(Math.max(watchFloorMs, Math.min(watchMs, Date.parse(outcome.until) - Date.now())));
    }
  } catch {
    return 'broken';
  }
}

/** One activity per phase, on the connector's own queue, retried by Temporal without a cap. */
function stepOf(lane: LaneSpec, step: string): Pick<ConnectorActivities, 'runPhase' | 'probeLane'> {
  return proxyActivities<ConnectorActivities>({
    taskQueue: connectorQueue(lane.connector),
    startToCloseTimeout: lane.attemptMs + attemptMarginMs,
    heartbeatTimeout: 10_000,
    retry: { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 30_000 },
    priority: { priorityKey: 1 },
    summary: laneSummary(lane, step),
  });
}

/**
 * Again and again, ever more seldom: the label goes away with every step that succeeds. They all began together, so one timer is
 * enough for all of them, which is none for each of the many that never need it.
 */
async function escalateLater(open: ReadonlyMap<string, LaneSpec>): Promise<void> {
  for (let waited = escalateAfterMs; ; waited *= 2) {
    await sleep(waited);
    const why = `not proved dead after ${waited / 1_000} s; it is still being tried`;
    for (const obligationId of open.keys()) void escalateLane({ obligationId, why }).catch(() => undefined);
  }
}
