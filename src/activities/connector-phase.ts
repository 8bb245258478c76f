import type { ConnectorActivities, PhaseOutcome } from '../contract/activities.ts';
import { EstopError } from '../core/errors.ts';
import { isConcluded, readLane } from '../store/lane-record.ts';
import { createActsInHand } from './acts-in-hand.ts';
import { createCrowdPasses } from './crowd-pass.ts';
import { createFinalProbes } from './final-probe.ts';
import { beating, workerShutdown } from './heartbeat.ts';
import type { LaneDeps } from './lane-question.ts';
import { createLaneSteps } from './lane-steps.ts';
import { createTurns } from './turns.ts';

/** One step of one lane, or a crowd of lanes at once. Idempotent by obligation, phase and round: what is done is answered from the ledger. */
export function createConnectorActivities(host: Omit<LaneDeps, 'turns' | 'inCrowd'>): ConnectorActivities {
  const deps: LaneDeps = { ...host, turns: createTurns() };
  const cuts = createActsInHand<PhaseOutcome>();
  const steps = createLaneSteps(deps, cuts);
  return {
    runPhase: async ({ obligationId, phase, round }) => {
      if (phase === 'probe') throw new EstopError('internal', { detail: 'a probe is not a cut' });
      const lane = await readLane(deps.store, obligationId);
      // A run that has not heard of a newer round catches up with it; it cuts nothing in a round that is over.
      if (lane === undefined || lane.isFinal || round < lane.round) return { kind: 'done' };
      return beating(() => steps.cut(lane, phase, round, workerShutdown()));
    },
    probeLane: async ({ obligationId, round }) => {
      const lane = await readLane(deps.store, obligationId);
      if (lane === undefined || isConcluded(lane)) return { kind: 'proved' };
      // It was found alive since: whoever asks by an older round is to cut it, not to ask first whether its system can be asked.
      if (round < lane.round) return { kind: 'alive', why: 'this lane is in a newer round' };
      return steps.prove(lane, round, beating);
    },
    ...createCrowdPasses(deps, createLaneSteps({ ...deps, inCrowd: {} }, cuts)),
    ...createFinalProbes(deps),
  };
}
