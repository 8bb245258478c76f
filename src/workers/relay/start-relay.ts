import type { Client } from '@temporalio/client';
import { latchAccepted } from '../../activities/stop.ts';
import type { TaskWorkflows } from '../../activities/task-workflows.ts';
import type { ScheduledDrill } from '../../contract/config.ts';
import type { Log } from '../../contract/identity.ts';
import type { NotificationsSpec } from '../../contract/notifications.ts';
import type { StopOrder } from '../../contract/stop.ts';
import type { Store } from '../../store/pool.ts';
import { listenForStops } from '../../store/stop-hints.ts';
import { bindStop } from './bind-stop.ts';
import { breakerRound, limitsTidyRound } from './breaker-round.ts';
import { drainRound } from './drain.ts';
import { drillRound } from './drill-round.ts';
import { drillScheduleRound, drillTidyRound } from './drill-schedule-round.ts';
import { firingRound } from './firing-round.ts';
import { keepGoing } from './keep-going.ts';
import { createKillLatch } from './kill-latch.ts';
import { elapsedRound, ledgerRound, tidyRound } from './ledger-round.ts';
import { firingTidyRound, newsRound, type ResponseConfig } from './news-round.ts';
import { noticeRound, noticeTidyRound } from './notice-round.ts';
import { requireOwnTemporal } from './own-temporal.ts';
import { retentionRound } from './retention-round.ts';
import { wantRound } from './want-round.ts';
import { closedRound, walkRound } from './watchdog.ts';
import { workflowRound } from './workflow-round.ts';

const defaultRetentionMs = 90 * 86_400_000;

export interface RelayDeps {
  readonly environment: string;
  /** At least three connections of its own: one listens, the others must not wait for activities. */
  readonly store: Store;
  /** Short of patience: a latch that hangs is tried again on another connection. */
  readonly latchStore: Store;
  /** For the breakers: adding up what agents did must not keep a connection from the fence. Without one, `store`. */
  readonly breakerStore?: Store;
  /** For telling people: nothing of a stop may wait for a connection that this uses. Without one, `store`. */
  readonly noticeStore?: Store;
  /** Where nobody is to be told, what happens is still written down. */
  readonly notifications?: () => NotificationsSpec | undefined;
  /** Triggers and playbooks. Without it no alert stops anything but what is written down already. */
  readonly response?: () => ResponseConfig | undefined;
  /** Which connectors are tried by themselves. Without it none is. */
  readonly drills?: () => readonly ScheduledDrill[];
  readonly control: Client;
  readonly agents: Client;
  readonly tasks: TaskWorkflows;
  /** How long what nobody needs any more is kept. */
  readonly retentionMs?: number;
  readonly onRoundFailure?: ((round: string) => void) | undefined;
  readonly log: Log;
}

export interface Relay {
  close(): Promise<void>;
}

/**
 * Carries stops from the ledger to where they are worked off, and back what others did to tasks and workflows. Its rounds are
 * independent of one another: a Temporal that hangs does not delay the fence. Nothing here is remembered that matters: kill it
 * anywhere and start it again.
 */
export function startRelay(deps: RelayDeps): Relay {
  const { store, control, agents, environment, tasks, log } = deps;
  const latchAs = (order: StopOrder): Promise<string> =>
    latchAccepted({ store: deps.latchStore, environment, log }, order);
  const latch = async (order: StopOrder): Promise<void> => void (await latchAs(order));
  const killLatch = createKillLatch({ store, client: agents, environment, latch, log });
  const requireOwn = requireOwnTemporal(control, environment);
  const watchdog = { store, client: agents, tasks, killLatch, requireOwn, log };
  const response = deps.response ?? (() => undefined);
  const workflows = keepGoing(workflowRound(store, control, requireOwn, log), log, deps.onRoundFailure);
  const ledger = keepGoing(
    ledgerRound(
      store,
      log,
      undefined,
      () => workflows.wake(),
      (stopId) => bindStop(store, stopId, response(), log),
    ),
    log,
    deps.onRoundFailure,
  );
  const notices = deps.noticeStore ?? store;
  const others = [
    noticeRound({
      store: notices,
      client: control,
      requireOwn,
      notifications: deps.notifications ?? (() => undefined),
      log,
    }),
    drillRound(notices, control, requireOwn),
    drillScheduleRound({ store: notices, environment, schedule: deps.drills ?? (() => []), log }),
    drillTidyRound(notices, deps.retentionMs ?? defaultRetentionMs),
    // With the connections of the latch: what is told, or judged, or tidied up takes none from a stop.
    firingRound({ store: deps.latchStore, latch: latchAs, log }),
    newsRound({ store: notices, config: response, log }),
    firingTidyRound(notices, deps.retentionMs ?? defaultRetentionMs),
    noticeTidyRound(notices, deps.retentionMs ?? defaultRetentionMs),
    elapsedRound(notices),
    tidyRound(store),
    retentionRound(store, deps.retentionMs ?? defaultRetentionMs),
    breakerRound({ store: deps.breakerStore ?? store, environment, latch, log }),
    limitsTidyRound(deps.breakerStore ?? store, deps.retentionMs ?? defaultRetentionMs),
    drainRound({ store, client: control, requireOwn, environment, log, latch }),
    wantRound(store, agents, response),
    closedRound(watchdog),
    walkRound(watchdog),
  ].map((round) => keepGoing(round, log, deps.onRoundFailure));
  const hints = listenForStops(store, () => ledger.wake());
  return {
    close: async () => {
      hints.close();
      await Promise.all([ledger, workflows, ...others].map((rounds) => rounds.close()));
    },
  };
}
