import { proxyActivities } from '@temporalio/workflow';
import type { ConnectorActivities, CrowdPassed, LaneSpec, PassFound } from '../contract/activities.ts';
import { connectorQueue } from '../contract/names.ts';
import { leastCrowd } from './crowds.ts';

/** It waits for other crowds first, each of which has seconds; that its worker lives is heard from its heartbeats. */
const patience = '5 minutes';

export type Known = PassFound | { readonly kind: 'proved' };

/**
 * A crowd of one connector through its first pass, again and again as long as it helps. Each lane is told of at once when it goes on
 * alone: with what was found of it, or with nothing where it has not been begun. rule: lane-independent
 */
export async function passTogether(
  crowd: readonly LaneSpec[],
  goOn: (lane: LaneSpec, known: Known | undefined) => void,
): Promise<void> {
  let left = crowd;
  while (left.length >= leastCrowd) {
    const found = await passCrowd(left);
    const answered = [...found.values()].filter(({ kind }) => kind === 'proved' || kind === 'residual').length;
    for (const lane of left) {
      const known = found.get(lane.obligationId);
      if (known !== undefined) goOn(lane, known);
    }
    left = left.filter(({ obligationId }) => !found.has(obligationId));
    // Where most of them fail, or none has had a turn, a crowd is only one more that waits.
    if (answered === 0 || 2 * answered < found.size) break;
  }
  for (const lane of left) goOn(lane, undefined);
}

/** Tried once: whatever becomes of it, each lane of it can go alone. */
async function passCrowd(crowd: readonly LaneSpec[]): Promise<ReadonlyMap<string, Known>> {
  const { connector = '', phases = [] } = crowd[0] ?? {};
  const { passLanes } = proxyActivities<ConnectorActivities>({
    taskQueue: connectorQueue(connector),
    startToCloseTimeout: patience,
    heartbeatTimeout: 5_000,
    retry: { maximumAttempts: 1 },
    priority: { priorityKey: 1 },
    summary: `${connector}: first pass of ${crowd.length}`,
  });
  const lanes = crowd.map(({ obligationId, round }) => ({ obligationId, round }));
  return passLanes({ connector, phases, lanes }).then(byObligation, () => new Map<string, Known>());
}

const byObligation = ({ proved, others }: CrowdPassed): ReadonlyMap<string, Known> =>
  new Map<string, Known>([
    ...proved.map((obligationId) => [obligationId, { kind: 'proved' }] as const),
    ...others.map(({ obligationId, found }) => [obligationId, found] as const),
  ]);
