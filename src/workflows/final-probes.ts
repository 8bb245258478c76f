import { proxyActivities } from '@temporalio/workflow';
import type { ConnectorActivities, CrowdProbed, LaneSpec } from '../contract/activities.ts';
import { connectorQueue } from '../contract/names.ts';
import { finalProbePatienceMs } from '../contract/numbers.ts';
import { laneSummary } from './lane-summary.ts';

const marginMs = 10_000;

/** What it finds it writes into the ledger; whether that was enough is the next review's question. rule: final-probe */
export async function probeOnceMore(lane: LaneSpec): Promise<void> {
  const { finalProbe } = proxyActivities<ConnectorActivities>({
    taskQueue: connectorQueue(lane.connector),
    startToCloseTimeout: lane.attemptMs + 5_000,
    heartbeatTimeout: 10_000,
    retry: { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 30_000 },
    summary: laneSummary(lane, 'last probe'),
  });
  await finalProbe({ obligationId: lane.obligationId, round: lane.round }).catch(() => undefined);
}

/** Tried once: those of it that have to be asked alone. */
export async function probeCrowd(crowd: readonly LaneSpec[]): Promise<readonly LaneSpec[]> {
  const connector = crowd[0]?.connector ?? '';
  const { finalProbes } = proxyActivities<ConnectorActivities>({
    taskQueue: connectorQueue(connector),
    startToCloseTimeout: 3 * finalProbePatienceMs + marginMs,
    heartbeatTimeout: 10_000,
    retry: { maximumAttempts: 1 },
    summary: `${connector}: last probes of ${crowd.length}`,
  });
  const lanes = crowd.map(({ obligationId, round }) => ({ obligationId, round }));
  const failed = await finalProbes({ connector, lanes }).then(
    (probed: CrowdProbed) => new Set(probed.failed),
    () => undefined,
  );
  return crowd.filter(({ obligationId }) => failed?.has(obligationId) ?? true);
}
