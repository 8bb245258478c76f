import type { Client } from '@temporalio/client';
import type { Log } from '../../contract/identity.ts';
import { stopIntakeWorkflowId } from '../../contract/names.ts';
import { sweepGapMs } from '../../contract/numbers.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { drainWanted, recordDrain } from '../../store/fence.ts';
import { storeNow } from '../../store/installation.ts';
import type { Store } from '../../store/pool.ts';
import { findLatched } from '../../store/relay.ts';
import { describeNewest, listRuns, type NewestRun, readRun } from './intake-runs.ts';
import type { Round } from './keep-going.ts';

interface DrainDeps {
  readonly store: Store;
  readonly client: Client;
  readonly environment: string;
  readonly log: Log;
  /** Latches an accepted order; throws if it is not latched afterwards. */
  readonly latch: (order: StopOrder) => Promise<void>;
}

const lookEveryMs = 100;
const drainEveryMs = 30_000;
const notYetMs = 50;
const sealedMs = 1_000;
/** So long ago that no clock is wrong by as much. */
const surelyOldMs = 5 * 60_000;

/**
 * Reads every run of the intake, open or closed, and latches what the store does not have; only then is the intake recorded as
 * drained, as of the moment before the reading began. Gateways with a gap in their lease wait for that. rule: drain-all-runs
 *
 * What this relies on. The newest run is read by id, so no list has to know it; runs that it continues are read from run to run.
 * An older run that is not part of that line (it was ended, by hand or by a bug, and another was started) is known to the list
 * alone, which lags. So as long as the beginning of the newest line is young, a predecessor may be missing in the list, and nothing
 * is recorded. A run that a person has DELETED from Temporal is not protected; whoever sent its orders still pursues them.
 *
 * What is sealed with a key that is not held here may be an order: it stays where it is, is read again at every drain, and as long as
 * it is there nothing is recorded either. A person brings the key back, or deletes the run.
 */
export function drainRound(deps: DrainDeps): Round {
  const lines = new LinesSeen();
  const seen: RunsSeen = { verified: new Set(), sealed: new Set() };
  let drainedAt = Number.NEGATIVE_INFINITY;
  return {
    name: 'drain',
    run: async () => {
      if (!(await isDue(deps, lines, drainedAt))) return lookEveryMs;
      switch (await drainOnce(deps, lines, seen)) {
        case 'drained':
          drainedAt = performance.now();
          return lookEveryMs;
        case 'not-yet':
          return notYetMs;
        case 'sealed':
          return sealedMs;
      }
    },
  };
}

async function isDue({ store, client, environment }: DrainDeps, lines: LinesSeen, drainedAt: number): Promise<boolean> {
  try {
    return (await drainWanted(store)) || performance.now() - drainedAt >= drainEveryMs;
  } catch (thrown) {
    // The store is away: orders go through the intake now. Seeing its line early means not having to wait for it later.
    const newest = await describeNewest(client, stopIntakeWorkflowId(environment)).catch(() => undefined);
    if (newest !== undefined) lines.isOld(newest);
    throw thrown;
  }
}

interface RunsSeen {
  /** Spares reading closed runs twice; they do not change. */
  readonly verified: Set<string>;
  /** Said once. */
  readonly sealed: Set<string>;
}

/** `not-yet`: not everything could be seen. */
async function drainOnce(
  deps: DrainDeps,
  lines: LinesSeen,
  { verified, sealed }: RunsSeen,
): Promise<'drained' | 'not-yet' | 'sealed'> {
  const { store, client, environment } = deps;
  const workflowId = stopIntakeWorkflowId(environment);
  const begunAt = await storeNow(store);
  const newest = await describeNewest(client, workflowId);
  if (newest?.mayHoldUnseen === true) return 'not-yet';
  let isSealed = false;
  const listed = await listRuns(client, workflowId);
  const toRead = [...new Set([...(newest === undefined ? [] : [newest.runId]), ...listed.keys()])];
  for (let runId = toRead.pop(); runId !== undefined; runId = toRead.pop()) {
    if (verified.has(runId)) continue;
    const run = await readRun(client, workflowId, runId);
    if (run?.continuedFrom !== undefined) toRead.push(run.continuedFrom);
    await latchMissing(deps, run?.orders ?? []);
    if (run?.isSealed === true) {
      isSealed = true;
      sayOnce(deps, workflowId, runId, sealed);
      continue;
    }
    const isOpen = runId === newest?.runId ? newest.isOpen : listed.get(runId)?.isOpen === true;
    if (!isOpen) verified.add(runId);
  }
  if (isSealed) return 'sealed';
  if (newest !== undefined && !lines.isOld(newest)) return 'not-yet';
  await recordDrain(store, begunAt);
  return 'drained';
}

function sayOnce({ log }: DrainDeps, workflowId: string, runId: string, said: Set<string>): void {
  if (said.has(runId)) return;
  said.add(runId);
  log.error(
    { event: 'drain.sealed', workflowId, runId },
    'the intake holds what may be a stop, sealed with a key that is not held here: gateways with a gap in their lease admit nothing until it can be read',
  );
}

async function latchMissing({ store, latch, log }: DrainDeps, orders: readonly StopOrder[]): Promise<void> {
  const latched = await findLatched(
    store,
    orders.map(({ stopId }) => stopId),
  );
  const scopeOf = new Map(latched.map(({ stopId, scopeKey }) => [stopId, scopeKey]));
  for (const order of orders.filter(({ stopId, scopeKey }) => scopeOf.get(stopId) !== scopeKey)) {
    log.warn(
      { event: 'drain.latch', stopId: order.stopId },
      'an accepted stop was not latched yet; the drain latches it',
    );
    await latch(order);
  }
}

/** Counted from our own first sight of a line, by our own monotonic clock: no two machines have to agree on the time. */
class LinesSeen {
  readonly #firstSeen = new Map<string, number>();

  isOld({ firstRunId, startedAt }: NewestRun): boolean {
    if (Date.now() - startedAt.getTime() > surelyOldMs) return true; // the line began no later than its newest run
    const now = performance.now();
    const since = this.#firstSeen.get(firstRunId) ?? now;
    this.#firstSeen.set(firstRunId, since);
    return now - since >= sweepGapMs;
  }
}
