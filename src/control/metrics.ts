import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** What control tells whoever counts. Must return at once. */
export interface ControlWatch {
  /** `endpoint`: the id of an endpoint of the API, never an address that somebody typed. */
  answered(endpoint: string, status: number, ms: number): void;
  /** Payloads that were opened for Temporal's UI or command line. */
  decoded(outcome: string, payloads: number): void;
  /** Read when figures are shown, from memory alone. */
  show(figures: () => ControlFigures): void;
}

interface ControlFigures {
  readonly listeners: number;
  /** Of the store's; undefined until that is known. */
  readonly clockAheadMs: number | undefined;
}

export function createControlMetrics(registry: Registry): ControlWatch {
  const registers = [registry];
  const requests = new Counter({
    name: 'estop_http_requests_total',
    help: 'Requests to the API, by endpoint and status.',
    labelNames: ['endpoint', 'status'],
    registers,
  });
  const seconds = new Histogram({
    name: 'estop_http_request_seconds',
    help: 'From the request to its answer, by endpoint; an event stream is answered when it opens.',
    labelNames: ['endpoint'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const decodes = new Counter({
    name: 'estop_codec_payloads_total',
    help: 'Payloads that were asked to be opened for Temporal, by what came of it.',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['opened', 'refused', 'failed']) decodes.labels(outcome).inc(0);
  let read: (() => ControlFigures) | undefined;
  new Gauge({
    name: 'estop_sse_clients',
    help: 'Clients that follow the event stream now.',
    registers,
    collect() {
      this.set(read?.().listeners ?? 0);
    },
  });
  new Gauge({
    name: 'estop_clock_ahead_seconds',
    help: 'How far the clock of this process is ahead of that of the store; below zero: behind.',
    registers,
    collect() {
      this.set((read?.().clockAheadMs ?? 0) / 1_000);
    },
  });
  return {
    answered: (endpoint, status, ms) => {
      requests.labels(endpoint, String(status)).inc();
      seconds.labels(endpoint).observe(ms / 1_000);
    },
    decoded: (outcome, payloads) => decodes.labels(outcome).inc(payloads),
    show: (figures) => {
      read = figures;
    },
  };
}
