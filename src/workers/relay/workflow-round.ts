import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { inWindow } from '../../activities/window.ts';
import {
  queues,
  revocationWorkflowId,
  searchAttributes,
  stopFanoutWorkflowId,
  workflowTypes,
} from '../../contract/names.ts';
import type { Store } from '../../store/pool.ts';
import { listUnfinishedRevocations, listUnprovedStops } from '../../store/relay.ts';
import type { Round } from './keep-going.ts';

interface WantedWorkflow {
  readonly type: string;
  readonly workflowId: string;
  readonly causeId: string;
  readonly args: readonly unknown[];
}

const pauseMs = 150;
const width = 16;
const callMs = 5_000;
/** How often a workflow that was open is looked after again. */
const recheckMs = 2_000;
const stopKey = defineSearchAttributeKey(searchAttributes.stop, SearchAttributeType.KEYWORD);

/**
 * Makes sure that what the ledger asks for is open in Temporal, whoever ended it before: terminated, deleted, timed out. USE_EXISTING
 * while it is open, duplicates allowed after it closed. What is remembered here only spares calls; forgetting it is harmless.
 * rule: reconcile-from-ledger, duplicates-after-close, ledger-decides
 */
export function workflowRound(store: Store, client: Client): Round {
  const ensuredAt = new Map<string, number>();
  return {
    name: 'workflows',
    run: async () => {
      const wanted = await listWanted(store);
      const now = performance.now();
      for (const [workflowId, at] of ensuredAt) if (now - at > recheckMs) ensuredAt.delete(workflowId);
      const due = wanted.filter(({ workflowId }) => !ensuredAt.has(workflowId));
      let failure: { readonly thrown: unknown } | undefined;
      const ensure = async (workflow: WantedWorkflow): Promise<void> => {
        await ensureOpen(client, workflow);
        ensuredAt.set(workflow.workflowId, performance.now());
      };
      await inWindow(due, width, ensure, (_, thrown) => void (failure = { thrown }));
      if (failure !== undefined) throw failure.thrown;
      return pauseMs;
    },
  };
}

async function listWanted(store: Store): Promise<readonly WantedWorkflow[]> {
  const stops = (await listUnprovedStops(store)).filter((stop) => stop.seen);
  const fanouts = stops.map(
    ({ stopId, graceMs }): WantedWorkflow => ({
      type: workflowTypes.stopFanout,
      workflowId: stopFanoutWorkflowId(stopId),
      causeId: stopId,
      args: [{ stopId, graceMs }],
    }),
  );
  const revocations = (await listUnfinishedRevocations(store)).map(
    ({ agentId, epoch, causeId }): WantedWorkflow => ({
      type: workflowTypes.revocation,
      workflowId: revocationWorkflowId(agentId, epoch, causeId),
      causeId,
      args: [{ agentId, epoch, causeId }],
    }),
  );
  return [...fanouts, ...revocations];
}

async function ensureOpen(client: Client, { type, workflowId, causeId, args }: WantedWorkflow): Promise<void> {
  await client.withDeadline(Date.now() + callMs, () =>
    client.workflow.start(type, {
      workflowId,
      taskQueue: queues.control,
      args: [...args],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowTaskTimeout: '5 s',
      typedSearchAttributes: new TypedSearchAttributes([{ key: stopKey, value: causeId }]),
      priority: { priorityKey: 1 },
    }),
  );
}
