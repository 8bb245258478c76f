import {
  condition,
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ControlActivities, LaneSpec } from '../contract/activities.ts';
import { lanesPerChild } from '../contract/numbers.ts';
import { revocationLanes } from './revocation-lanes.ts';

export interface RevocationInput {
  readonly agentId: string;
  readonly epoch: number;
  /** A stop's id, or `end:<taskId>` where a task merely ended. */
  readonly causeId: string;
}

const pollFloorMs = 250;
const pollCeilingMs = 30_000;

const { listLanes } = proxyActivities<Pick<ControlActivities, 'listLanes'>>({
  startToCloseTimeout: 10_000,
  retry: { initialInterval: 100, backoffCoefficient: 2, maximumInterval: 1_000 },
  priority: { priorityKey: 1 },
});

/**
 * Works off the obligations of one cause at one agent. It decides nothing: it asks the ledger again and again which lanes are not
 * concluded and runs those that no child of its own has in hand; it ends when there are none. Ended by anybody before that, it is
 * started again from the ledger and finds what is left. rule: ledger-decides, obligations-polled
 */
export async function revocation(input: RevocationInput): Promise<void> {
  const inHand = new Set<string>();
  let children = 0;
  let childEnded = false;
  let started = 0;

  const runChild = async (lanes: readonly LaneSpec[]): Promise<void> => {
    children += 1;
    started += 1;
    for (const lane of lanes) inHand.add(lane.obligationId);
    try {
      const child = await startChild(revocationLanes, {
        workflowId: `${workflowInfo().workflowId}/${workflowInfo().runId.slice(0, 8)}-${String(started)}`,
        args: [{ lanes }],
        // The next run of this workflow reads the ledger and starts children of its own.
        parentClosePolicy: ParentClosePolicy.TERMINATE,
      });
      await child.result();
    } catch {
      // Terminated by somebody: what it left open is found at the next look.
    } finally {
      for (const lane of lanes) inHand.delete(lane.obligationId);
      children -= 1;
      childEnded = true;
    }
  };
  for (let pause = pollFloorMs; ; ) {
    childEnded = false;
    const found = await lookForLanes(input, inHand, (lanes) => void runChild(lanes));
    if (found.total === 0 && children === 0) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof revocation>(input);
    pause = found.fresh > 0 ? pollFloorMs : Math.min(pause * 2, pollCeilingMs);
    // A look costs as much history as there are lanes in hand, so many of them are looked at more seldom.
    await condition(() => childEnded, pause * Math.max(1, Math.ceil(inHand.size / lanesPerChild)));
  }
}

/** One look at the whole ledger of this cause, page by page. */
async function lookForLanes(
  { causeId, agentId }: RevocationInput,
  inHand: ReadonlySet<string>,
  take: (lanes: readonly LaneSpec[]) => void,
): Promise<{ readonly total: number; readonly fresh: number }> {
  let total = 0;
  let fresh = 0;
  for (let after: string | undefined; ; ) {
    const page = await listLanes({ causeId, agentId, limit: lanesPerChild, ...(after === undefined ? {} : { after }) });
    const missing = page.filter((lane) => !inHand.has(lane.obligationId));
    if (missing.length > 0) take(missing);
    total += page.length;
    fresh += missing.length;
    after = page.at(-1)?.obligationId;
    if (page.length < lanesPerChild || after === undefined) return { total, fresh };
  }
}
