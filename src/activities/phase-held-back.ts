import type { CuttingPhase } from '../contract/phases.ts';
import { EstopError } from '../core/errors.ts';
import { mustWait, waitingPhases } from '../core/playbook.ts';
import { isConcluded, type Lane } from '../store/lane-record.ts';
import { noteAttemptFailed } from '../store/lanes.ts';
import { boundPlaybook } from '../store/playbooks.ts';
import type { Store } from '../store/pool.ts';

/** How soon after a person has let it go it goes. */
const lookEveryMs = 10_000;

/**
 * Throws while a playbook makes this phase wait for a person, and says so where people look: as an open obligation that needs one.
 * Asked anew at every attempt, so that nothing has to be told to anybody when it is let go.
 */
export async function phaseHeldBack(store: Store, lane: Lane, phase: CuttingPhase): Promise<void> {
  if (!lane.hasPlaybook || !waitingPhases.some((one) => one === phase)) return;
  const playbook = await boundPlaybook(store, lane.causeId);
  if (playbook === undefined || !mustWait(playbook.waits, playbook.released, phase)) return;
  const why = `${phase} waits for a person (playbook ${playbook.playbookId}): estop playbook proceed ${lane.causeId} ${phase}`;
  await noteAttemptFailed(store, {
    obligationId: lane.obligationId,
    round: lane.round,
    wasProved: isConcluded(lane),
    error: why,
    pauseMs: lookEveryMs,
    needsHuman: why,
  });
  throw new EstopError('held', { detail: why, retryAfterMs: lookEveryMs });
}
