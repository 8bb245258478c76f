import type { ConnectorActivities, CrowdProbed, LaneRound, ProbeOutcome } from '../contract/activities.ts';
import { finalProbePatienceMs } from '../contract/numbers.ts';
import { finalPhase } from '../contract/phases.ts';
import { isConcluded, readLane } from '../store/lane-record.ts';
import { markFinal, type PassedProbe, reopenObligation } from '../store/lanes.ts';
import { beating } from './heartbeat.ts';
import { beginAttempt } from './lane-attempt.ts';
import { type LaneDeps, question } from './lane-question.ts';
import { inWindow } from './window.ts';

/** No probe of a crowd begins later than this: so long at most, and one patience more, it keeps the slot that a cut may want. */
const crowdMs = 1_000;

export function createFinalProbes(deps: LaneDeps): Pick<ConnectorActivities, 'finalProbe' | 'finalProbes'> {
  const note = async (probe: PassedProbe): Promise<void> => void (await markFinal(deps.store, [probe]));
  return {
    finalProbe: (lane) => beating((unwanted) => probeOnceMore(deps, lane, unwanted, note)),
    finalProbes: ({ connector, lanes }) => beating((unwanted) => probeCrowd(deps, connector, lanes, unwanted)),
  };
}

/**
 * Each in its own time and turn, and each on its own evidence: what one of them comes to, or that it does not answer, is nothing to
 * the others. Said to be settled is only what has been answered and written down; those that passed are written down at once.
 */
async function probeCrowd(
  deps: LaneDeps,
  connector: string,
  lanes: readonly LaneRound[],
  unwanted: AbortSignal,
): Promise<CrowdProbed> {
  const settled: string[] = [];
  const failed: string[] = [];
  const passed = new Map<string, PassedProbe>();
  const width = deps.get(connector).system.concurrency;
  const inCrowd = { ...deps, inCrowd: { patienceMs: finalProbePatienceMs } };
  const begun = performance.now();
  await inWindow(
    lanes,
    width,
    (lane) =>
      deps.turns.run({ connector, width, rank: 'later' }, async () => {
        if (unwanted.aborted || performance.now() - begun > crowdMs) return;
        await probeOnceMore(inCrowd, lane, unwanted, async (probe) => void passed.set(probe.obligationId, probe));
        if (!passed.has(lane.obligationId)) settled.push(lane.obligationId);
      }),
    ({ obligationId }) => failed.push(obligationId),
  );
  await markFinal(deps.store, [...passed.values()]);
  return { settled: [...settled, ...passed.keys()], failed };
}

/** rule: final-probe, open-until-final */
async function probeOnceMore(
  deps: LaneDeps,
  { obligationId, round }: LaneRound,
  unwanted: AbortSignal,
  note: (passed: PassedProbe) => Promise<void>,
): Promise<ProbeOutcome> {
  const lane = await readLane(deps.store, obligationId);
  if (lane === undefined || lane.isFinal || !isConcluded(lane)) return { kind: 'proved' };
  const begun = await beginAttempt(deps.store, { obligationId, phase: finalPhase, round });
  if (begun.kind !== 'begun') return { kind: 'proved' };
  const verdict = await question(deps, lane, unwanted);
  if (verdict.kind === 'dead') {
    // Not taken if something was cut again meanwhile: then the review asks for another one.
    await note({ obligationId, round, begunAt: begun.begunAt });
    return { kind: 'proved' };
  }
  deps.log.error(
    { event: 'lane.reopened', obligationId, why: verdict.why },
    'the last probe found access; the lane is opened again',
  );
  await reopenObligation(deps.store, obligationId, round, verdict.why);
  return { kind: 'alive', why: verdict.why };
}
