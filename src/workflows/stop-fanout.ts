import { condition, continueAsNew, proxyActivities, sleep, workflowInfo } from '@temporalio/workflow';
import type { ControlActivities, LaneSpec } from '../contract/activities.ts';
import { sweepGapMs } from '../contract/numbers.ts';
import { crowdsOf } from './crowds.ts';
import { probeCrowd, probeOnceMore } from './final-probes.ts';
import { firstPauseMs, nextLook } from './stop-looks.ts';

export interface StopFanoutInput {
  readonly stopId: string;
  readonly graceMs: number;
}

const pollFloorMs = 200;
const sweepWaitsMs = 60_000;

const { reviewStop } = proxyActivities<Pick<ControlActivities, 'reviewStop'>>({
  startToCloseTimeout: 10_000,
  retry: { initialInterval: 100, backoffCoefficient: 2, maximumInterval: 1_000 },
});
const { haltTasks, sweepStrays } = proxyActivities<Pick<ControlActivities, 'haltTasks' | 'sweepStrays'>>({
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: 10_000,
  retry: { initialInterval: 100, backoffCoefficient: 2, maximumInterval: 2_000 },
});

/**
 * Carries one stop through: halts what it covers, sweeps for strays, and asks the ledger again and again what holds, until it says
 * proved. Whoever ends it before, it is started again from the ledger and nothing is lost: all its state is there.
 * Its activities have the priority it was started with: those of wide stops go before those of task stops.
 */
export async function stopFanout(input: StopFanoutInput): Promise<void> {
  const seen: Seen = { ended: false, tasksOpen: true, lookNow: false, looks: 0, sweepsDone: 0 };
  await Promise.all([keepHalting(input, seen), sweepTwice(input, seen), proveInTheEnd(input, seen)]);
}

interface Seen {
  ended: boolean;
  tasksOpen: boolean;
  /** A pass of the halt has left nothing open, or the sweeps are done: the ledger is asked at once. */
  lookNow: boolean;
  /** How often it has answered, and what it said last of the sweeps. */
  looks: number;
  sweepsDone: number;
}

/** Tasks that were being registered while the stop was latched can still turn up after the first pass. */
async function keepHalting(input: StopFanoutInput, seen: Seen): Promise<void> {
  while (!seen.ended) {
    seen.tasksOpen = (await haltTasks(input)).openTasks > 0;
    if (!seen.tasksOpen) seen.lookNow = true;
    if (seen.tasksOpen) await sleep(pollFloorMs);
    else await condition(() => seen.tasksOpen || seen.ended);
  }
}

/**
 * Clean twice, a gap apart, because visibility lags. The ledger counts: what an earlier run of this workflow has swept is found there
 * by the sweep itself, and whether it counts two in the end is asked, because what turned up meanwhile makes it begin anew. rule: stray-sweep
 */
async function sweepTwice({ stopId, graceMs }: StopFanoutInput, seen: Seen): Promise<void> {
  // A list of ten thousand running tasks, most of them about to be ended, is no help to anybody: after the halt it is short. But a
  // halt that cannot come to its end holds up no sweep, and neither does a grace.
  if (graceMs === 0) await condition(() => !seen.tasksOpen || seen.ended, sweepWaitsMs);
  for (let done = 0; done < 2; ) {
    if ((await sweepStrays({ stopId, after: done })).found === 0) done += 1;
    if (done >= 2) done = await sweepsByLedger(seen);
    if (done < 2) await sleep(sweepGapMs);
  }
}

/** From a look that begins now. */
async function sweepsByLedger(seen: Seen): Promise<number> {
  seen.lookNow = true;
  await condition(() => !seen.lookNow || seen.ended);
  const { looks } = seen;
  await condition(() => seen.looks > looks || seen.ended);
  return seen.ended ? 2 : seen.sweepsDone;
}

async function proveInTheEnd(input: StopFanoutInput, seen: Seen): Promise<void> {
  const probing = new Set<string>();
  let probeEnded = false;
  const probe = async (lane: LaneSpec): Promise<void> => {
    probing.add(lane.obligationId);
    await probeOnceMore(lane);
    probing.delete(lane.obligationId);
    probeEnded = true;
  };
  const probeTogether = async (crowd: readonly LaneSpec[]): Promise<void> => {
    for (const { obligationId } of crowd) probing.add(obligationId);
    const left = await probeCrowd(crowd);
    for (const { obligationId } of crowd) probing.delete(obligationId);
    for (const lane of left) void probe(lane);
    probeEnded = true;
  };
  // Before the first pass of the halt there is seldom anything to see.
  await condition(() => seen.lookNow, firstPauseMs);
  for (let pauseMs = firstPauseMs; ; ) {
    probeEnded = false;
    seen.lookNow = false;
    const review = await reviewStop(input.stopId);
    seen.sweepsDone = review.sweepsDone;
    seen.looks += 1;
    if (!review.halted) seen.tasksOpen = true;
    if (review.proved) {
      seen.ended = true;
      return;
    }
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof stopFanout>(input);
    // One that hangs holds up neither the others nor the review: what turns up meanwhile is halted and cut as ever.
    const due = review.finalLanes.filter(({ obligationId }) => !probing.has(obligationId));
    const { crowds, alone } = crowdsOf(due);
    for (const crowd of crowds) void probeTogether(crowd);
    for (const lane of alone) void probe(lane);
    const next = nextLook({ ...review, finalLanes: due }, pauseMs);
    ({ pauseMs } = next);
    await condition(() => seen.lookNow || (probeEnded && probing.size === 0), next.inMs);
  }
}
