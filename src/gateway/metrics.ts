import { Counter, Gauge, type Registry } from 'prom-client';
import { leaseMs } from '../contract/numbers.ts';
import type { Denial } from './passage.ts';
import type { GatewayFigures, GatewayWatch } from './watch.ts';

/** Reasons are words of ours; no name that an agent, a tool or a person has is ever a label. */
export function createGatewayMetrics(registry: Registry): GatewayWatch {
  const registers = [registry];
  const admitted = new Counter({
    name: 'estop_calls_admitted_total',
    help: 'Requests that ADMIT let through, by kind.',
    labelNames: ['kind'],
    registers,
  });
  admitted.labels('tool-call').inc(0);
  const denied = new Counter({
    name: 'estop_calls_denied_total',
    help: 'Requests that were not answered by their upstream, by kind and reason.',
    labelNames: ['kind', 'reason'],
    registers,
  });
  const ended = new Counter({
    name: 'estop_calls_ended_total',
    help: 'Admitted calls, by how the ledger has their end.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  let read: (() => GatewayFigures) | undefined;
  const figure = (name: string, help: string, value: (figures: GatewayFigures) => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        if (read !== undefined) this.set(value(read()));
      },
    });
  };
  figure('estop_gateway_live', '1 while this gateway may admit calls.', ({ isLive }) => (isLive ? 1 : 0));
  figure(
    'estop_gateway_lease_age_seconds',
    `How much of the lease is used up, the age of the mark of the beat included; at ${leaseMs / 1_000} it is over.`,
    ({ leaseRemainingMs }) => Math.max(0, leaseMs - leaseRemainingMs) / 1_000,
  );
  figure('estop_calls_open', 'Calls that are with their upstream now.', ({ openCalls }) => openCalls);
  figure('estop_gateway_view_epoch', 'The epoch of the stops that this gateway knows.', ({ viewEpoch }) => viewEpoch);
  figure(
    'estop_clock_ahead_seconds',
    'How far the clock of this process is ahead of that of the store; below zero: behind.',
    ({ clockAheadMs }) => clockAheadMs / 1_000,
  );
  return {
    note: ({ asked, facts }, denial) => {
      if (facts.admitted === true) admitted.labels(asked.kind).inc();
      if (facts.outcome !== undefined) ended.labels(asked.kind, facts.outcome).inc();
      if (denial !== undefined) denied.labels(asked.kind, reasonOf(denial)).inc();
    },
    show: (figures) => {
      read = figures;
    },
  };
}

function reasonOf(denial: Denial): string {
  switch (denial.kind) {
    case 'unauthenticated':
    case 'unavailable':
      return denial.code;
    case 'denied':
      return denial.reason;
    case 'stopped':
    case 'needs-approval':
    case 'not-served':
      return denial.kind;
  }
}
