import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  condition,
  continueAsNew,
  ParentClosePolicy,
  proxyActivities,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { ControlActivities, LaneSpec } from '../contract/activities.ts';
import { searchAttributes } from '../contract/names.ts';
import { lanesPerChild } from '../contract/numbers.ts';
import { reopened, revocationLanes } from './revocation-lanes.ts';

export interface RevocationInput {
  readonly agentId: string;
  readonly epoch: number;
  /** A stop's id, or `end:<taskId>` where a task merely ended. */
  readonly causeId: string;
}

const pollFloorMs = 250;
const pollCeilingMs = 30_000;
/**
 * A full look costs as much history as there are lanes in hand. So while there are many, most looks ask only for what was opened
 * since the one before; the full ones between them find a lane that was opened again, and whatever the short ones missed.
 */
const fewLanes = 20;
const fullLookEveryMs = 60_000;
/** How long a transaction that opens lanes may take to commit. */
const overlapMs = 5_000;

const causeKey = defineSearchAttributeKey(searchAttributes.stop, SearchAttributeType.KEYWORD);

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
  const inHand = new Map<string, InHand>();
  let children = 0;
  let childEnded = false;
  let started = 0;

  const runChild = async (lanes: readonly LaneSpec[]): Promise<void> => {
    children += 1;
    started += 1;
    const starting = startChild(revocationLanes, {
      // Not by this run's own id: a run that was reset has another one, and would find other children in its history than it starts.
      workflowId: `${workflowInfo().workflowId}/${workflowInfo().originalExecutionRunId.slice(0, 8)}-${String(started)}`,
      args: [{ lanes }],
      // As on this workflow: whoever looks for a stop by its id finds the lanes, where all of it is done, as well.
      typedSearchAttributes: [{ key: causeKey, value: input.causeId }],
      // The next run of this workflow reads the ledger and starts children of its own.
      parentClosePolicy: ParentClosePolicy.TERMINATE,
    });
    const tell = async (ids: readonly string[]): Promise<void> => (await starting).signal(reopened, ids);
    for (const { obligationId, round } of lanes) inHand.set(obligationId, { round, tell });
    try {
      const child = await starting;
      await child.result();
    } catch {
      // Terminated by somebody: what it left open is found at the next look.
    } finally {
      for (const lane of lanes) inHand.delete(lane.obligationId);
      children -= 1;
      childEnded = true;
    }
  };
  let fullLookAt = 0;
  let lookedAt = 0;
  for (let pause = pollFloorMs; ; ) {
    childEnded = false;
    const now = Date.now();
    const isFull = inHand.size <= fewLanes || now >= fullLookAt;
    if (isFull) fullLookAt = now + fullLookEveryMs * Math.max(1, inHand.size / lanesPerChild);
    const openedWithinMs = now - lookedAt + overlapMs;
    lookedAt = now;
    const found = await lookForLanes(
      isFull ? input : { ...input, openedWithinMs },
      inHand,
      (lanes) => void runChild(lanes),
    );
    if (isFull && found.total === 0 && children === 0) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof revocation>(input);
    pause = found.fresh > 0 ? pollFloorMs : Math.min(pause * 2, pollCeilingMs);
    await condition(() => childEnded, pause);
  }
}

/** A lane that a child has, and the round in which it was given. */
interface InHand {
  readonly round: number;
  readonly tell: (ids: readonly string[]) => Promise<void>;
}

/**
 * A newer round in the ledger: mostly its child's own doing, to whom that is no news; or the last probe found access behind a lane that
 * the child had concluded, and may go on beside for as long as it watches others. Told at every look: heard too early it says nothing.
 */
function tellOfNewRounds(lanes: readonly LaneSpec[], inHand: ReadonlyMap<string, InHand>): void {
  const ids = new Map<InHand['tell'], string[]>();
  for (const { obligationId, round } of lanes) {
    const hand = inHand.get(obligationId);
    if (hand === undefined || round <= hand.round) continue;
    ids.set(hand.tell, [...(ids.get(hand.tell) ?? []), obligationId]);
  }
  // Where it cannot be told it has ended, and what it left open is found at the next look.
  for (const [tell, told] of ids) void tell(told).catch(() => undefined);
}

/** One look at the ledger of this cause, page by page. */
async function lookForLanes(
  { causeId, agentId, openedWithinMs }: RevocationInput & { readonly openedWithinMs?: number },
  inHand: ReadonlyMap<string, InHand>,
  take: (lanes: readonly LaneSpec[]) => void,
): Promise<{ readonly total: number; readonly fresh: number }> {
  const wanted = {
    causeId,
    agentId,
    limit: lanesPerChild,
    ...(openedWithinMs === undefined ? {} : { openedWithinMs }),
  };
  let total = 0;
  let fresh = 0;
  for (let after: string | undefined; ; ) {
    const page = await listLanes({ ...wanted, ...(after === undefined ? {} : { after }) });
    const missing = page.filter((lane) => !inHand.has(lane.obligationId));
    tellOfNewRounds(page, inHand);
    if (missing.length > 0) take(missing);
    total += page.length;
    fresh += missing.length;
    after = page.at(-1)?.obligationId;
    if (page.length < lanesPerChild || after === undefined) return { total, fresh };
  }
}
