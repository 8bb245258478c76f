import {
  CancellationScope,
  condition,
  continueAsNew,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ConnectorActivities, ControlActivities, LaneSpec } from '../contract/activities.ts';
import { connectorQueue } from '../contract/names.ts';
import { crowdsOf } from './crowds.ts';
import { type Known, passTogether } from './first-passes.ts';
import { laneSummary } from './lane-summary.ts';
import { defineUntrustedSignal, readUntrusted } from './untrusted-signal.ts';

export interface RevocationLanesInput {
  readonly lanes: readonly LaneSpec[];
  /** Those of an earlier run that were concluded in it. */
  readonly concluded?: readonly LaneSpec[];
}

/** The ids of lanes that the ledger has open again. A forged one asks once more about what is concluded, and no more. */
export const reopened = 'reopened';
const reopenedSignal = defineUntrustedSignal(reopened);

interface Lanes {
  /** Each as a next run would have to take it on. */
  readonly open: Map<string, LaneSpec>;
  readonly concluded: Map<string, LaneSpec>;
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

const { escalateLanes } = proxyActivities<Pick<ControlActivities, 'escalateLanes'>>({ startToCloseTimeout: 10_000 });

/**
 * At most 400 lanes, all at once, those of one system together as long as that goes well, none waiting for another; how many run
 * against one system is that system's queue's business. Nobody can cancel them from outside: only the ledger ends a lane.
 * rule: lane-independent
 */
export async function revocationLanes({ lanes, concluded = [] }: RevocationLanesInput): Promise<void> {
  const open = byId(lanes);
  const all: Lanes = { open, concluded: byId(concluded) };
  setHandler(reopenedSignal, (raw) => {
    for (const obligationId of idsIn(readUntrusted(raw))) takeAgain(obligationId, all);
  });
  await CancellationScope.nonCancellable(async () => {
    const escalation = new CancellationScope();
    void escalation.run(() => escalateLater(open)).catch(() => undefined); // cancelled when all lanes have ended
    const { crowds, alone } = crowdsOf(lanes);
    for (const crowd of crowds) void passTogether(crowd, (lane, known) => void runLane(lane, all, known));
    for (const lane of alone) void runLane(lane, all);
    await condition(() => open.size === 0 || workflowInfo().historyLength > longHistory);
    escalation.cancel();
    // What is in hand at this moment is asked for again by the next run: its attempt joins this one, or finds its end in the ledger.
    if (open.size > 0)
      await continueAsNew<typeof revocationLanes>({
        lanes: [...open.values()],
        concluded: [...all.concluded.values()],
      });
  });
}

const byId = (lanes: readonly LaneSpec[]): Map<string, LaneSpec> =>
  new Map(lanes.map((lane) => [lane.obligationId, lane]));

const idsIn = (said: unknown): readonly string[] =>
  Array.isArray(said) ? said.filter((id): id is string => typeof id === 'string') : [];

/**
 * The last probe of a stop found access behind a lane that was concluded here. The others of this run may be watched for hours yet.
 * rule: lane-independent
 */
function takeAgain(obligationId: string, all: Lanes): void {
  const lane = all.concluded.get(obligationId);
  if (lane === undefined) return;
  all.concluded.delete(obligationId);
  all.open.set(obligationId, lane);
  void runLane(lane, all);
}

/** Never throws, never gives up; `known` is what its crowd has found of it. */
async function runLane(first: LaneSpec, all: Lanes, known?: Known): Promise<void> {
  let lane = first;
  let verdict = await goOn(lane, known);
  for (let pause = 250; verdict !== 'concluded'; pause = Math.min(pause * 2, pauseCeilingMs)) {
    if (verdict === 'alive') lane = { ...lane, round: lane.round + 1 };
    all.open.set(lane.obligationId, lane);
    await sleep(pause);
    verdict = await passThrough(lane);
  }
  all.open.delete(first.obligationId);
  all.concluded.set(first.obligationId, lane);
}

/** `broken`: an activity ended in a way that is not retried (a bug, a wrong configuration). The lane goes on all the same. */
type Verdict = 'concluded' | 'alive' | 'broken';

async function goOn(lane: LaneSpec, known: Known | undefined): Promise<Verdict> {
  if (known?.kind === 'proved') return 'concluded';
  if (known?.kind === 'alive') return 'alive';
  if (known?.kind === 'residual') return orBroken(prove(lane, known.until));
  if (known?.kind === 'failed' && known.retryInMs > 0) await sleep(known.retryInMs);
  return passThrough(lane);
}

const passThrough = (lane: LaneSpec): Promise<Verdict> => orBroken(cut(lane).then(() => prove(lane)));

const orBroken = (pass: Promise<Verdict>): Promise<Verdict> => pass.catch(() => 'broken');

async function cut(lane: LaneSpec): Promise<void> {
  const { obligationId, round } = lane;
  for (const phase of lane.phases) await stepOf(lane, phase).runPhase({ obligationId, phase, round });
}

/**
 * Residual access is watched until its end, then proved like any other: what was issued late is found before that and cut.
 * rule: residual-watched
 */
async function prove(lane: LaneSpec, residualUntil?: string): Promise<Verdict> {
  const { obligationId, round } = lane;
  let until = residualUntil;
  for (let watchMs = watchFloorMs; ; ) {
    if (until !== undefined) {
      await sleep(Math.max(watchFloorMs, Math.min(watchMs, Date.parse(until) - Date.now())));
      watchMs = Math.min(watchMs * 2, watchCeilingMs);
    }
    const outcome = await stepOf(lane, 'probe').probeLane({ obligationId, round });
    if (outcome.kind === 'proved') return 'concluded';
    if (outcome.kind === 'alive') return 'alive';
    ({ until } = outcome);
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
    void escalateLanes({ obligationIds: [...open.keys()], why }).catch(() => undefined);
  }
}
