import type {
  ConnectorActivities,
  CrowdPassed,
  LaneCrowd,
  LaneRound,
  PassedLane,
  PassFound,
} from '../contract/activities.ts';
import { crowdPassMs, lastPassMs } from '../contract/numbers.ts';
import type { CuttingPhase } from '../contract/phases.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { isConcluded, readLane } from '../store/lane-record.ts';
import { type Company, keepCompany } from './company.ts';
import { beating, workerShutdown } from './heartbeat.ts';
import type { LaneDeps } from './lane-question.ts';
import type { LaneSteps } from './lane-steps.ts';
import { createTurns } from './turns.ts';
import { inWindow } from './window.ts';

/** Of one connector, in this process: one of them is as much as the system bears, the other is there when that one runs out. */
const crowdsAtOnce = 2;
/** How soon a lane that goes alone would try again, unless it is told otherwise. */
const retryMs = 250;
/** How soon it would look again at what is left; what is sooner than that would wait behind so many others if they all went alone. */
const soonMs = 1_000;

type Found = PassFound | { readonly kind: 'proved' };

interface Pass {
  readonly phases: readonly CuttingPhase[];
  readonly company: Company;
  /** The end of this worker: of nothing less does a cut end that has begun. */
  readonly ending: AbortSignal;
}

export function createCrowdPasses(deps: LaneDeps, steps: LaneSteps): Pick<ConnectorActivities, 'passLanes'> {
  const crowds = createTurns();
  return {
    // Its time begins with its turn: were all at it at once, each would spend its own on waiting for the others.
    passLanes: (crowd) =>
      beating((unwanted) =>
        crowds.run({ connector: crowd.connector, width: crowdsAtOnce, rank: 'first' }, () =>
          passLanes(deps, steps, crowd, unwanted),
        ),
      ),
  };
}

/**
 * Each in a turn of its own, on its own evidence, and written down as if it went alone. They part when one of them has something to do
 * by itself: it is kept from that no longer than it would be by the queue of so many others. rule: lane-independent
 */
async function passLanes(
  deps: LaneDeps,
  steps: LaneSteps,
  { connector, phases, lanes }: LaneCrowd,
  unwanted: AbortSignal,
): Promise<CrowdPassed> {
  const width = deps.get(connector).system.concurrency;
  const company = keepCompany(crowdPassMs, lastPassMs, unwanted);
  const pass: Pass = { phases, company, ending: workerShutdown() };
  const proved: string[] = [];
  const others: (PassedLane & { readonly dueAt: number })[] = [];
  let toBegin = lanes.length;
  const passInTurn = async (lane: LaneRound): Promise<void> => {
    let isBegun = false;
    // What has been begun and is waited for no more keeps its turn to its end: the system is busy with it.
    const passing = deps.turns.run({ connector, width, rank: 'next' }, async () => {
      if (company.isParting()) return undefined;
      isBegun = true;
      toBegin -= 1;
      if (toBegin === 0) company.neededIn(lastPassMs);
      return passLane(deps, steps, lane, pass);
    });
    const found: Found | undefined =
      (await Promise.race([passing, company.apart])) ?? (isBegun ? { kind: 'left' } : undefined);
    if (found?.kind === 'proved') proved.push(lane.obligationId);
    else if (found !== undefined) {
      const inMs = found.kind === 'failed' ? found.retryInMs : 0;
      others.push({ obligationId: lane.obligationId, found, dueAt: performance.now() + inMs });
      company.neededIn(Math.max(inMs, soonMs));
    }
  };
  await inWindow(lanes, width, passInTurn, () => undefined);
  company.part();
  return { proved, others: others.map(fromNow) };
}

/** Never throws. When the crowd has parted it begins nothing any more: its next step is taken by whoever takes it on. */
async function passLane(
  deps: LaneDeps,
  steps: LaneSteps,
  { obligationId, round }: LaneRound,
  { phases, company: { parted }, ending }: Pass,
): Promise<Found> {
  try {
    const lane = await readLane(deps.store, obligationId);
    if (lane === undefined || isConcluded(lane)) return { kind: 'proved' };
    if (round < lane.round) return { kind: 'alive', why: 'this lane is in a newer round' };
    for (const phase of phases) {
      if (parted.aborted) return { kind: 'left' };
      await steps.cut(lane, phase, round, ending);
    }
    // Whether the issuer ever acted may have turned out meanwhile.
    const now = lane.grant.state === 'issued' ? lane : ((await readLane(deps.store, obligationId)) ?? lane);
    if (parted.aborted) return { kind: 'left' };
    return await steps.prove(now, round, (work) => work(parted));
  } catch (thrown) {
    if (parted.aborted) return { kind: 'left' };
    deps.log.debug({ event: 'lane.left-crowd', obligationId, code: errorCodeOf(thrown) }, 'a lane goes on alone');
    return { kind: 'failed', retryInMs: (thrown instanceof EstopError ? thrown.retryAfterMs : undefined) ?? retryMs };
  }
}

function fromNow({ obligationId, found, dueAt }: PassedLane & { readonly dueAt: number }): PassedLane {
  if (found.kind !== 'failed') return { obligationId, found };
  return { obligationId, found: { ...found, retryInMs: Math.max(0, Math.round(dueAt - performance.now())) } };
}
