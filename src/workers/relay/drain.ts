import type { Client } from '@temporalio/client';
import type { Log } from '../../contract/identity.ts';
import { stopIntakeWorkflowId } from '../../contract/names.ts';
import { sweepGapMs } from '../../contract/numbers.ts';
import type { StopOrder } from '../../contract/stop.ts';
import { widestFirst } from '../../core/scope-key.ts';
import { drainWanted, recordDrain } from '../../store/fence.ts';
import { storeNow } from '../../store/installation.ts';
import type { Store } from '../../store/pool.ts';
import { findLatched } from '../../store/relay.ts';
import { describeNewest, listRuns, type NewestRun, readRun } from './intake-runs.ts';
import type { Round } from './keep-going.ts';
import type { RequireOwnTemporal } from './own-temporal.ts';

interface DrainDeps {
  readonly store: Store;
  readonly client: Client;
  readonly requireOwn: RequireOwnTemporal;
  readonly environment: string;
  readonly log: Log;
  /** Latches an accepted order; throws if it is not latched afterwards. */
  readonly latch: (order: StopOrder) => Promise<void>;
}

const lookEveryMs = 250;
const drainEveryMs = 30_000;
/** How often the intake is asked whether it went on as a new run. */
const lookForRunsMs = 1_000;
/** So many orders may fail in one reading before it is given up: the store is away then. */
const failuresAtMost = 20;
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
 *
 * An intake that goes on as a new run leaves orders behind, which nobody but this latches: so a new run is a reason to read.
 */
export function drainRound(deps: DrainDeps, now: () => number = () => performance.now()): Round {
  const lines = new LinesSeen();
  const seen: RunsSeen = { verified: new Set(), sealed: new Set() };
  const goneOn = new GoneOn();
  let drainedAt = Number.NEGATIVE_INFINITY;
  return {
    name: 'drain',
    run: async () => {
      if (!(await isDue(deps, lines, now() - drainedAt >= drainEveryMs)) && !(await goneOn.look(deps, now())))
        return lookEveryMs;
      switch (await drainOnce(deps, lines, seen)) {
        case 'drained':
          drainedAt = now();
          goneOn.drained();
          return lookEveryMs;
        case 'not-yet':
          return notYetMs;
        case 'sealed':
          return sealedMs;
      }
    },
  };
}

async function isDue(
  { store, client, environment }: DrainDeps,
  lines: LinesSeen,
  isLongAgo: boolean,
): Promise<boolean> {
  try {
    return (await drainWanted(store)) || isLongAgo;
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
  const { store, client, requireOwn, environment } = deps;
  const workflowId = stopIntakeWorkflowId(environment);
  const begunAt = await storeNow(store);
  const newest = await describeNewest(client, workflowId);
  const listed = await listRuns(client, workflowId);
  // Even while nothing can be recorded, closed runs are read: what a busy intake left behind must not wait until it is quiet.
  const isUnseen = newest?.mayHoldUnseen === true;
  let isSealed = false;
  const readable = [...listed].filter(([, { isOpen }]) => !isUnseen || !isOpen).map(([runId]) => runId);
  const toRead = [...new Set([...(newest === undefined || isUnseen ? [] : [newest.runId]), ...readable])];
  const found: StopOrder[] = [];
  const read: string[] = [];
  for (let runId = toRead.pop(); runId !== undefined; runId = toRead.pop()) {
    if (verified.has(runId)) continue;
    const run = await readRun(client, workflowId, runId);
    if (run?.continuedFrom !== undefined) toRead.push(run.continuedFrom);
    found.push(...(run?.orders ?? []));
    if (run?.isSealed === true) {
      isSealed = true;
      sayOnce(deps, workflowId, runId, sealed);
      continue;
    }
    const isOpen = runId === newest?.runId ? newest.isOpen : listed.get(runId)?.isOpen === true;
    if (!isOpen) read.push(runId);
  }
  await latchMissing(deps, found);
  for (const runId of read) verified.add(runId);
  if (isUnseen) return 'not-yet';
  if (isSealed) return 'sealed';
  if (newest !== undefined && !lines.isOld(newest)) return 'not-yet';
  // What was found is latched, wherever it lay. But that of another environment is not where ours would lie.
  await requireOwn(performance.now());
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

/** Widest first. One that cannot be latched does not hold up the others, and nothing counts as read then. */
async function latchMissing({ store, latch, log }: DrainDeps, orders: readonly StopOrder[]): Promise<void> {
  const latched = await findLatched(
    store,
    orders.map(({ stopId }) => stopId),
  );
  const scopeOf = new Map(latched.map(({ stopId, scopeKey }) => [stopId, scopeKey]));
  const missing = orders.filter(({ stopId, scopeKey }) => scopeOf.get(stopId) !== scopeKey);
  const failures: unknown[] = [];
  for (const order of widestFirst(missing)) {
    log.warn(
      { event: 'drain.latch', stopId: order.stopId },
      'an accepted stop was not latched yet; the drain latches it',
    );
    await latch(order).catch((thrown: unknown) => void failures.push(thrown));
    if (failures.length >= failuresAtMost) break;
  }
  if (failures.length > 0) throw failures[0];
}

/** Knows whether the intake went on as a new run since the last drain. */
class GoneOn {
  #lookedAt = Number.NEGATIVE_INFINITY;
  #seen: string | undefined;
  #drained: string | undefined;

  async look({ client, environment }: DrainDeps, now: number): Promise<boolean> {
    if (now - this.#lookedAt >= lookForRunsMs) {
      this.#lookedAt = now;
      // Temporal being away is said by whoever needs it.
      const newest = await describeNewest(client, stopIntakeWorkflowId(environment)).catch(() => undefined);
      if (newest !== undefined && newest.runId !== newest.firstRunId) this.#seen = newest.runId;
    }
    return this.#seen !== this.#drained;
  }

  /** What was read includes the run that was seen before the reading began. */
  drained(): void {
    this.#drained = this.#seen;
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
