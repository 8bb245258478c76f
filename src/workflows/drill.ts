import { proxyActivities, sleep } from '@temporalio/workflow';
import type { DrillActivities, DrillIssue, DrillIssueActivities } from '../contract/activities.ts';
import { connectorQueue } from '../contract/names.ts';

export interface DrillInput {
  readonly taskId: string;
  readonly connectorId: string;
  /** Less than usual, for tests; more is not believed. */
  readonly patienceMs?: number;
}

/** Longer than a healthy connector takes, settling included; one that is slower than this cannot be called ready. */
const highest = 120_000;
const pauseFloorMs = 250;
const pauseCeilingMs = 5_000;

const { endDrill, lookAtDrill, finishDrill } = proxyActivities<DrillActivities>({
  startToCloseTimeout: 10_000,
  retry: { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 10_000 },
  priority: { priorityKey: 5 },
});

/**
 * One drill, from its credential to what it came to. It cuts nothing itself: it ends the task that holds the credential, and looks on while
 * the revocation of that does what it does for every other. Everything of a stop goes before it. Ended by anybody half way, it is started
 * again from the ledger, and says then that it was interrupted; its credential is ended in any case.
 */
export async function drill({ taskId, connectorId, patienceMs = highest }: DrillInput): Promise<void> {
  const issued = await issueOnce(taskId, connectorId);
  await endDrill(taskId);
  const outcome =
    issued.kind === 'issued'
      ? await watch(taskId, Math.min(patienceMs, highest))
      : { state: issued.kind, why: issued.why };
  await finishDrill({ taskId, connectorId, ...outcome });
}

async function issueOnce(taskId: string, connectorId: string): Promise<DrillIssue> {
  const { issueDrill } = proxyActivities<DrillIssueActivities>({
    taskQueue: connectorQueue(connectorId),
    startToCloseTimeout: 60_000,
    // Of a process that was killed it is heard so soon: what it had issued is not left alive for the whole of the time above.
    heartbeatTimeout: 10_000,
    // Also while nobody serves that connector.
    scheduleToCloseTimeout: 90_000,
    retry: { maximumAttempts: 3 },
    priority: { priorityKey: 5 },
    summary: `drill ${connectorId}`,
  });
  try {
    return await issueDrill(taskId);
  } catch {
    return { kind: 'failed', why: 'Nobody could issue its credential in time.' };
  }
}

async function watch(
  taskId: string,
  patienceMs: number,
): Promise<{ readonly state: 'proved' } | { readonly state: 'failed' | 'impossible'; readonly why: string }> {
  const giveUpAt = Date.now() + patienceMs;
  for (let pause = pauseFloorMs; ; pause = Math.min(pause * 2, pauseCeilingMs)) {
    await sleep(pause);
    const sight = await lookAtDrill(taskId);
    if (sight.kind === 'proved') return { state: 'proved' };
    if (sight.kind === 'overtaken') return { state: 'impossible', why: sight.why };
    if (sight.kind === 'over' || Date.now() >= giveUpAt) return { state: 'failed', why: sight.why };
  }
}
