import { Counter, Gauge, type Registry } from 'prom-client';
import type { FailureWatch } from '../activities/boundary.ts';
import type { ScheduledDrill } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import { errorCodeOf } from '../core/errors.ts';
import { type LedgerFigures, ledgerFigures } from '../store/ledger-figures.ts';
import type { Store } from '../store/pool.ts';

export function createFailureWatch(registry: Registry): FailureWatch {
  const failures = new Counter({
    name: 'estop_activity_failures_total',
    help: 'Attempts of activities that failed, by activity and error code. Retries count.',
    labelNames: ['activity', 'code'],
    registers: [registry],
  });
  return (activity, code) => failures.labels(activity, code).inc();
}

/** The relay does its work in rounds; one that fails is tried again at least every second. */
export function createRoundWatch(registry: Registry): (round: string) => void {
  const failures = new Counter({
    name: 'estop_relay_round_failures_total',
    help: 'Rounds of the relay that failed.',
    labelNames: ['round'],
    registers: [registry],
  });
  return (round) => failures.labels(round).inc();
}

type Plain = { [Key in keyof LedgerFigures]: LedgerFigures[Key] extends number ? Key : never }[keyof LedgerFigures];

const plain: readonly (readonly [name: string, help: string, key: Plain])[] = [
  ['estop_stops_in_force', 'Stops that are not reset.', 'stopsInForce'],
  ['estop_stops_unfenced', 'Stops that are latched and not fenced yet.', 'stopsUnfenced'],
  ['estop_stops_unproved', 'Stops that are not proved yet.', 'stopsUnproved'],
  ['estop_stop_oldest_unfenced_seconds', 'Age of the oldest stop that is not fenced.', 'oldestUnfencedSeconds'],
  ['estop_stop_oldest_unproved_seconds', 'Age of the oldest stop that is not proved.', 'oldestUnprovedSeconds'],
  ['estop_tasks_open', 'Tasks that are not closed.', 'tasksOpen'],
  ['estop_tasks_held', 'Open tasks that are held.', 'tasksHeld'],
  ['estop_approvals_pending', 'Calls that wait for a person.', 'approvalsPending'],
  ['estop_approval_oldest_seconds', 'How long the oldest of them waits.', 'oldestApprovalSeconds'],
  ['estop_gateways_live', 'Gateways that hold a lease.', 'gatewaysLive'],
  ['estop_gateways_lapsed', 'Gateways whose lease ran out and which did not retire.', 'gatewaysLapsed'],
  ['estop_latch_mark_age_seconds', 'Since any stop process last left its mark, by the store.', 'beatSeconds'],
  [
    'estop_intake_drain_age_seconds',
    'Since the intake was last read to its end; orders may wait there.',
    'drainSeconds',
  ],
  ['estop_notices_undelivered', 'Notices that somebody is still to be told of.', 'noticesUndelivered'],
  ['estop_notice_oldest_undelivered_seconds', 'Age of the oldest of them.', 'oldestNoticeSeconds'],
  ['estop_notice_deliveries_failed', 'Deliveries that were given up within the last hour.', 'deliveriesFailed'],
  [
    'estop_trigger_oldest_unlatched_seconds',
    'Age of the oldest stop that an alert asked for and that is not latched.',
    'oldestFiringSeconds',
  ],
  ['estop_trigger_stops_given_up', 'Stops of alerts that were given up within the last hour.', 'firingsGivenUp'],
  [
    'estop_connectors_not_ready',
    'Connectors that said at their last check that they cannot cut off.',
    'connectorsNotReady',
  ],
];

const readEveryMs = 5_000;

interface LedgerDeps {
  readonly registry: Registry;
  readonly store: Store;
  readonly drills: () => readonly ScheduledDrill[];
  readonly log: Log;
}

/**
 * The ledger in numbers, read every five seconds and never because somebody scrapes. When it cannot be read the last numbers stay, and
 * `estop_ledger_figures_age_seconds` grows: an alert looks at both.
 */
export function showLedger({ registry, store, drills, log }: LedgerDeps, everyMs = readEveryMs): { close(): void } {
  const registers = [registry];
  const gauges = plain.map(([name, help, key]) => [new Gauge({ name, help, registers }), key] as const);
  const labelNames = ['connector', 'state'] as const;
  const open = new Gauge({
    name: 'estop_obligations_open',
    help: 'Obligations without their last probe, by connector and state.',
    labelNames,
    registers,
  });
  const oldest = new Gauge({
    name: 'estop_obligation_oldest_open_seconds',
    help: 'Age of the oldest of them.',
    labelNames,
    registers,
  });
  const human = new Gauge({
    name: 'estop_obligations_needing_people',
    help: 'Those that go no further without a person.',
    labelNames: ['connector'],
    registers,
  });
  const drilled = new Gauge({
    name: 'estop_connector_drill_age_seconds',
    help: 'How long ago the newest drill of each connector ended, by what it came to.',
    labelNames: ['connector', 'result'],
    registers,
  });
  const unproved = new Gauge({
    name: 'estop_connector_undrilled_seconds',
    help: 'How long ago a drill of each connector was last proved; if none ever was, how long ago the first was asked for.',
    labelNames: ['connector'],
    registers,
  });
  new Gauge({
    name: 'estop_connector_drill_every_seconds',
    help: 'After how long each connector is drilled again by itself. Those that are not, are not here.',
    labelNames: ['connector'],
    registers,
    collect() {
      this.reset();
      for (const { connectorId, everyMs } of drills()) this.labels(connectorId).set(everyMs / 1_000);
    },
  });
  let readAt = Number.NEGATIVE_INFINITY;
  new Gauge({
    name: 'estop_ledger_figures_age_seconds',
    help: 'How old the numbers about the ledger are.',
    registers,
    collect() {
      this.set((performance.now() - readAt) / 1_000);
    },
  });
  const show = (figures: LedgerFigures): void => {
    for (const [gauge, key] of gauges) gauge.set(figures[key]);
    for (const gauge of [open, oldest, human, drilled, unproved]) gauge.reset();
    for (const { connector, state, seconds, unprovedSeconds } of figures.drills) {
      if (state !== null) drilled.labels(connector, state).set(seconds);
      unproved.labels(connector).set(unprovedSeconds);
    }
    for (const { connector, state, count, needHuman, oldestSeconds } of figures.obligations) {
      open.labels(connector, state).set(count);
      oldest.labels(connector, state).set(oldestSeconds);
      human.labels(connector).inc(needHuman);
    }
    readAt = performance.now();
  };
  let isReading = false;
  const read = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    try {
      show(await ledgerFigures(store));
    } catch (thrown) {
      log.debug({ event: 'metrics.ledger', code: errorCodeOf(thrown) }, 'the numbers of the ledger could not be read');
    } finally {
      isReading = false;
    }
  };
  void read();
  const timer = setInterval(() => void read(), everyMs).unref();
  return { close: () => clearInterval(timer) };
}
