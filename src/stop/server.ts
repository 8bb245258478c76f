import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { DataConverter } from '@temporalio/common';
import type { Authenticator, Identity, Log, OperatorProofs } from '../contract/identity.ts';
import { leaseMs } from '../contract/numbers.ts';
import type { StopOrder, StopReceipt } from '../contract/stop.ts';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { continueTrace, currentTraceId, traced, traceOfOrder } from '../contract/tracing.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { formatId } from '../core/ids.ts';
import { parseScopeKey } from '../core/scope-key.ts';
import { keepRoom } from '../runtime/keep-room.ts';
import { readJson, sendJson, sendProblem } from './answer.ts';
import { startBeat } from './beat.ts';
import { createHint } from './hint.ts';
import { createIntake } from './intake.ts';
import { watchKnownOperators } from './known-operators.ts';
import { openLatchLine } from './latch-line.ts';
import { createLatchLines } from './latch-lines.ts';
import { createPlaceOnce } from './place-once.ts';
import { type Placed, placeOrder } from './place-order.ts';
import { parseStopOrder } from './stop-order.ts';
import { isAttempt, noteOrder, readWhatWasTried, refusedAs, type Tried, triedBy } from './tried.ts';
import { noWatch, type StopWatch } from './watch.ts';
import { hashShown, refuseOutOfScope, type Stopper, whoStops, whoStopsAfterAll } from './who-stops.ts';

export interface StopServerDeps {
  readonly environment: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly temporalSecurity?: TemporalSecurity;
  readonly authenticator: Authenticator;
  /** Of people who are signed in; without it only tokens stop anything. */
  readonly proofs?: OperatorProofs;
  readonly log: Log;
  /** Names the row of the beat; stable over restarts of one process. */
  readonly processName?: string;
  readonly dataConverter?: DataConverter;
  readonly watch?: StopWatch;
}

export interface StopServer {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

const warmLines = 3;
/** For the orders of agent workers: shorter than they wait for the answer. */
const workerLines = 1;
const workerPatienceMs = 250;
const workerOrdersAtMost = 64;
/** With its lines to the store and to Temporal, fewer than the 1,024 files that some systems give to a service. */
const connectionsAtMost = 512;

/** A process of its own: own listener, own connections, no framework, nothing that an allow path could use up. */
export async function startStopServer(deps: StopServerDeps): Promise<StopServer> {
  const processName = deps.processName ?? `estop-stop-${deps.environment}`;
  const open = () => openLatchLine({ databaseUrl: deps.databaseUrl, processName, connectTimeoutMs: 2_000 });
  const lines = createLatchLines({ open, size: warmLines, retryMs: 250, pingEveryMs: 5_000, pingPatienceMs: 1_000 });
  const linesOfWorkers = createLatchLines({
    open,
    size: workerLines,
    retryMs: 250,
    pingEveryMs: 5_000,
    pingPatienceMs: 1_000,
  });
  const beat = startBeat({ open, processName, log: deps.log });
  const hint = createHint(open);
  const watch = deps.watch ?? noWatch;
  const known = watchKnownOperators({ databaseUrl: deps.databaseUrl, processName, log: deps.log });
  const closing = new AbortController();

  const server = createServer(
    { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 30_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      const requestId = mintId('req', deps.environment);
      const serve = (): Promise<void> => traced('stop request', 'server', () => handle(request, response));
      const { traceparent, tracestate } = request.headers;
      continueTrace({ traceparent, tracestate }, serve).catch((thrown: unknown) => {
        const code = errorCodeOf(thrown);
        deps.log[code === 'internal' ? 'error' : 'info'](
          { event: 'stop.refused', requestId, code, cause: String(thrown) },
          'a request was refused',
        );
        if (!response.headersSent) sendProblem(response, thrown, requestId);
        else response.destroy();
        watch.refused(code);
      });
    },
  );
  const room = keepRoom(server, { most: connectionsAtMost, mayRefuse: false, holdsRequests: false });
  const port = await listen(server, deps.host, deps.port);
  const intake = createIntake({
    address: deps.temporalAddress,
    ...(deps.temporalSecurity === undefined ? {} : { security: deps.temporalSecurity }),
    environment: deps.environment,
    warmEveryMs: 5_000,
    ...(deps.dataConverter === undefined ? {} : { dataConverter: deps.dataConverter }),
  });
  const roads = {
    lines,
    intake,
    signal: closing.signal,
    log: deps.log,
    onLatched: (row: { readonly epoch: number }) => hint.send(row.epoch),
  };

  const placeOnce = createPlaceOnce({
    lines: linesOfWorkers,
    onLatched: roads.onLatched,
    patienceMs: workerPatienceMs,
    atMost: workerOrdersAtMost,
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://stop').pathname;
    if (path === '/v1/stops') {
      allow(request, 'POST');
      return takeStop(request, response);
    }
    if (path === '/livez') {
      allow(request, 'GET');
      return sendJson(response, 200, { status: 'ok' });
    }
    if (path === '/readyz') {
      allow(request, 'GET');
      return sendJson(response, 200, readiness());
    }
    throw new EstopError('not-found');
  }

  async function takeStop(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const tried = triedBy(request.socket.remoteAddress ?? 'unknown');
    try {
      await takeStopOf(tried, request, response);
    } catch (thrown) {
      const because = errorCodeOf(thrown);
      if (because === 'forbidden') await readWhatWasTried(tried, request);
      if (isAttempt(because))
        known.noteRefused(refusedAs(because, tried, hashShown(request.headers, deps.environment)));
      throw thrown;
    }
  }

  /** Without a wait for whoever is in memory. */
  async function whoMayBe(headers: IncomingHttpHeaders): Promise<Stopper> {
    const sources = { ...deps, known };
    try {
      return whoStops(headers, sources);
    } catch (thrown) {
      return whoStopsAfterAll(thrown, headers, sources);
    }
  }

  async function takeStopOf(tried: Tried, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stopper = await whoMayBe(request.headers);
    tried.source = stopper.actor;
    tried.isNamed = true;
    const identity = mayStop(stopper);
    const forOneTask = !mayStopAnything(identity);
    const body = await readJson(request);
    noteOrder(tried, body);
    const order = parseStopOrder(body, {
      environment: deps.environment,
      actor: identity.actor,
      forOneTask,
      mintStopId: () => mintId('stop', deps.environment),
      trace: traceOfOrder(),
    });
    refuseOutOfScope(identity, order.scopeKey);
    room.hold(response);
    const begun = performance.now();
    const placed = await (forOneTask ? placeOnce(order) : placeOrder(order, roads));
    const ms = performance.now() - begun;
    try {
      answerPlaced(response, order, placed);
    } finally {
      // After the answer: a disk that is busy may hold the log up.
      deps.log.info(
        {
          event: 'stop.placed',
          stopId: order.stopId,
          scopeKey: order.scopeKey,
          actor: order.actor,
          outcome: placed.kind,
          ms,
          traceId: currentTraceId(),
        },
        'a stop was placed',
      );
      watch.placed(parseScopeKey(order.scopeKey)?.kind ?? 'unknown', placed.kind, ms);
    }
  }

  /** Always ready: with the store away an order is still taken. What is away is said. */
  function readiness(): object {
    const age = beat.age();
    const latch = age !== undefined && age < leaseMs;
    return {
      status: latch && intake.isWarm() ? 'ready' : 'degraded',
      latch: latch ? 'ok' : 'down',
      intake: intake.isWarm() ? 'ok' : 'down',
      warmLines: lines.open(),
    };
  }

  watch.show(() => ({ beatAgeMs: beat.age(), warmLines: lines.open(), intakeWarm: intake.isWarm() }));
  return {
    port,
    url: `http://${deps.host.includes(':') ? `[${deps.host}]` : deps.host}:${port}`,
    close: async () => {
      closing.abort();
      const ended = new Promise((resolve) => void server.close(resolve));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 1_000).unref();
      await ended;
      beat.close();
      hint.close();
      lines.close();
      linesOfWorkers.close();
      await known.close();
      await intake.close();
    },
  };
}

function answerPlaced(response: ServerResponse, order: StopOrder, placed: Placed): void {
  const asked = { scopeKey: order.scopeKey, category: order.category, graceMs: order.graceMs };
  switch (placed.kind) {
    case 'latched': {
      const { stopId, epoch, latchedAt, fresh } = placed.row;
      const receipt: StopReceipt = { state: 'latched', stopId, epoch, latchedAt, fresh };
      return sendJson(response, 200, { ...receipt, ...asked });
    }
    case 'accepted': {
      const receipt: StopReceipt = { state: 'accepted', stopId: order.stopId };
      return sendJson(response, 202, { ...receipt, ...asked });
    }
    case 'conflict':
      throw new EstopError('conflict', {
        detail: `${order.stopId} already stands for a stop of ${placed.row.scopeKey}, category ${placed.row.category}${placed.row.resetAt === undefined ? '' : `, which was reset at ${placed.row.resetAt}`}. This order is NOT in force. Send it under another id.`,
      });
    case 'failed':
      throw new EstopError('store-unavailable', {
        detail: `Not acknowledged: neither the store nor Temporal answered. Send it again under the same id, or directly: estop stop scope ${order.scopeKey} --direct --yes --stop-id ${order.stopId} --category ${order.category}`,
        cause: placed.causes.join('; '),
      });
  }
}

function mayStop(identity: Stopper): Stopper {
  if (!mayStopAnything(identity) && !identity.roles.includes('agent-worker'))
    throw new EstopError('forbidden', { detail: 'A stop needs the role operator or admin.' });
  return identity;
}

const mayStopAnything = ({ roles }: Identity): boolean => roles.includes('operator') || roles.includes('admin');

function allow(request: IncomingMessage, method: string): void {
  if (request.method !== method) throw new EstopError('method-not-allowed', { detail: `This path takes ${method}.` });
}

const mintId = (kind: 'stop' | 'req', environment: string): string => formatId(kind, environment, randomBytes(16));

function listen(server: ReturnType<typeof createServer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.removeListener('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
