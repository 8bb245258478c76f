import { type WaitingPhase, waitingPhases } from '../../core/playbook.ts';

interface Waiting {
  readonly needsHuman: string | null;
  readonly final: boolean;
}

/** The phase that a person has to let go, where that is all that an obligation waits for: nothing there is broken. */
export const waitingPhaseOf = ({ needsHuman, final }: Waiting): WaitingPhase | undefined =>
  final ? undefined : waitingPhases.find((phase) => needsHuman?.startsWith(`${phase} waits for a person`) === true);
