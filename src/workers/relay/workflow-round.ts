import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { inWindow } from '../../activities/window.ts';
import type { Log } from '../../contract/identity.ts';
import {
  queues,
  revocationWorkflowId,
  searchAttributes,
  stopFanoutWorkflowId,
  workflowTypes,
} from '../../contract/names.ts';
import { continueTrace } from '../../contract/tracing.ts';
import { isTaskScope } from '../../core/scope-key.ts';
import type { Store } from '../../store/pool.ts';
import {
  findBusyTaskStops,
  type KeptTrace,
  listUnfinishedRevocations,
  listUnprovedStops,
  type UnprovedStop,
} from '../../store/relay.ts';
import { watchStuck } from './end-stuck.ts';
import type { Round } from './keep-going.ts';
import type { RequireOwnTemporal } from './own-temporal.ts';

interface WantedWorkflow {
  readonly type: string;
  readonly workflowId: string;
  readonly causeId: string;
  readonly args: readonly unknown[];
  /** Temporal's: smaller goes first. Its activities inherit it. */
  readonly priorityKey: 1 | 3;
  /** Of whoever ordered the stop: what works it off belongs to that trace. */
  readonly trace: KeptTrace | undefined;
}

const pauseMs = 150;
/** Where nothing is wanted: what becomes so is told by whoever sees it first, and this is for what nobody lived to tell. */
const idleMs = 1_000;
const width = 16;
const callMs = 5_000;
/** How often a workflow that was open is looked after again. */
const recheckMs = 2_000;
/** In one round: a wide stop that is latched meanwhile waits for no more. */
const portion = 100;
/** Stops of tasks that have nothing to end, at one time. All there is to do for one is to look twice, seconds apart. */
const emptyAtOnce = 20;
/** One that is not proved by then is held up by something else, and must not hold up the next. */
const emptyPatienceMs = 60_000;
const stopKey = defineSearchAttributeKey(searchAttributes.stop, SearchAttributeType.KEYWORD);

/**
 * Makes sure that what the ledger asks for is open in Temporal, whoever ended it before: terminated, deleted, timed out. USE_EXISTING
 * while it is open, duplicates allowed after it closed. Wide stops go first; of stops over a task that has nothing to end (one that
 * does not exist, say) only some are carried at one time, so that a crowd of them leaves room. What is remembered here only spares calls; forgetting it is harmless.
 * rule: reconcile-from-ledger, duplicates-after-close, ledger-decides
 */
export function workflowRound(store: Store, client: Client, requireOwn: RequireOwnTemporal, log: Log): Round {
  const ensuredAt = new Map<string, number>();
  const stuck = watchStuck(client, log);
  const empty = new EmptyStops();
  return {
    name: 'workflows',
    run: async () => {
      const wanted = await listWanted(store, empty);
      const now = performance.now();
      for (const [workflowId, at] of ensuredAt) if (now - at > recheckMs) ensuredAt.delete(workflowId);
      stuck.keep(new Set(wanted.map(({ workflowId }) => workflowId)));
      const due = wanted.filter(({ workflowId }) => !ensuredAt.has(workflowId));
      if (due.length > 0) await requireOwn();
      let failure: { readonly thrown: unknown } | undefined;
      const ensure = async (workflow: WantedWorkflow): Promise<void> => {
        await stuck.look(workflow.workflowId);
        await continueTrace(workflow.trace ?? {}, () => ensureOpen(client, workflow));
        ensuredAt.set(workflow.workflowId, performance.now());
      };
      await inWindow(due.slice(0, portion), width, ensure, (_, thrown) => void (failure = { thrown }));
      if (failure !== undefined) throw failure.thrown;
      if (due.length > portion) return 0;
      return wanted.length === 0 ? idleMs : pauseMs;
    },
  };
}

/** In the order in which they are to be opened. */
async function listWanted(store: Store, empty: EmptyStops): Promise<readonly WantedWorkflow[]> {
  const stops = (await listUnprovedStops(store)).filter((stop) => stop.seen);
  const wide = stops.filter(({ scopeKey }) => !isTaskScope(scopeKey));
  const narrow = stops.filter(({ scopeKey }) => isTaskScope(scopeKey));
  const ids = narrow.map(({ stopId }) => stopId);
  const busy = ids.length > emptyAtOnce ? await findBusyTaskStops(store, ids) : new Set(ids);
  const carried = [
    ...narrow.filter(({ stopId }) => busy.has(stopId)),
    ...empty.choose(narrow.filter(({ stopId }) => !busy.has(stopId))),
  ];
  const isWide = new Set(wide.map(({ stopId }) => stopId));
  const revocations = (await listUnfinishedRevocations(store)).map(
    ({ agentId, epoch, causeId, trace }): WantedWorkflow => ({
      type: workflowTypes.revocation,
      workflowId: revocationWorkflowId(agentId, epoch, causeId),
      causeId,
      args: [{ agentId, epoch, causeId }],
      priorityKey: 1,
      trace,
    }),
  );
  const ofWide = revocations.filter(({ causeId }) => isWide.has(causeId));
  const others = revocations.filter(({ causeId }) => !isWide.has(causeId));
  return [...wide.map((stop) => fanout(stop, 1)), ...ofWide, ...others, ...carried.map((stop) => fanout(stop, 3))];
}

const fanout = ({ stopId, graceMs, trace }: UnprovedStop, priorityKey: 1 | 3): WantedWorkflow => ({
  type: workflowTypes.stopFanout,
  workflowId: stopFanoutWorkflowId(stopId),
  causeId: stopId,
  args: [{ stopId, graceMs }],
  priorityKey,
  trace,
});

/** Which stops of tasks without work are carried now. One that was chosen stays chosen until it is proved. */
class EmptyStops {
  readonly #chosenAt = new Map<string, number>();

  choose(stops: readonly UnprovedStop[]): readonly UnprovedStop[] {
    const now = performance.now();
    const isHere = new Set(stops.map(({ stopId }) => stopId));
    for (const stopId of this.#chosenAt.keys()) if (!isHere.has(stopId)) this.#chosenAt.delete(stopId);
    let free = emptyAtOnce - [...this.#chosenAt.values()].filter((at) => now - at < emptyPatienceMs).length;
    for (const { stopId } of stops) {
      if (free <= 0) break;
      if (this.#chosenAt.has(stopId)) continue;
      this.#chosenAt.set(stopId, now);
      free -= 1;
    }
    return stops.filter(({ stopId }) => this.#chosenAt.has(stopId));
  }
}

async function ensureOpen(
  client: Client,
  { type, workflowId, causeId, args, priorityKey }: WantedWorkflow,
): Promise<void> {
  await client.withDeadline(Date.now() + callMs, () =>
    client.workflow.start(type, {
      workflowId,
      taskQueue: queues.control,
      args: [...args],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowTaskTimeout: '5 s',
      typedSearchAttributes: new TypedSearchAttributes([{ key: stopKey, value: causeId }]),
      priority: { priorityKey },
    }),
  );
}
