import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { continueTrace } from '../../contract/tracing.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { keepRoom } from '../../runtime/keep-room.ts';
import { serveGrant } from '../grants/serve-grant.ts';
import { serveMcp } from '../mcp/serve-mcp.ts';
import { dialectAt } from '../model/dialect.ts';
import { serveModel, serveModelList } from '../model/serve-model.ts';
import type { GateHost } from '../passage.ts';
import { createGuard } from './guard.ts';
import { sendResource } from './protected-resource.ts';
import { retrySoonMs, sendJson, sendProblem } from './reply.ts';

interface Listening {
  readonly host: string;
  readonly port: number;
  /** Names under which clients reach this gateway, besides those of this machine. */
  readonly allowedHosts: readonly string[];
}

export interface GatewayServer {
  readonly url: string;
  /** Takes no new connection and no new request; what is under way goes on. */
  stopListening(): void;
  close(): Promise<void>;
}

/** How long a request may take to arrive, head and body: whoever dribbles is hung up on. */
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
const lookForSlowOnesMs = 1_000;
/** Each may be a client that keeps a stream open. */
const connectionsAtMost = 4_096;

export async function listen(gate: GateHost, listening: Listening): Promise<GatewayServer> {
  const isAllowed = createGuard(listening.allowedHosts);
  let closing = false;
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: lookForSlowOnesMs,
      keepAliveTimeout: 65_000,
    },
    (request, response) => {
      const requestId = gate.newId('req');
      if (closing)
        return sendProblem(response.setHeader('connection', 'close'), 'no-lease', requestId, {
          retryAfterMs: retrySoonMs,
        });
      // Without `tracestate`: see inbound.ts.
      const { traceparent } = request.headers;
      continueTrace({ traceparent }, () => handle(gate, isAllowed, request, response, requestId)).catch(
        (thrown: unknown) => {
          // Its client went away before it had said all: nothing of ours failed, and any client can do it at any pace.
          if (request.destroyed && !request.complete) return;
          gate.log.error(
            { event: 'request.failed', requestId, code: errorCodeOf(thrown), error: String(thrown) },
            'a request failed',
          );
          if (!response.headersSent && !response.destroyed) sendProblem(response, 'internal', requestId);
        },
      );
    },
  );
  keepRoom(server, { most: connectionsAtMost, mayRefuse: true, holdsRequests: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listening.port, listening.host, () => resolve());
  });
  const { address, port, family } = server.address() as AddressInfo; // listening on TCP
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    stopListening: () => {
      closing = true;
      server.close();
      server.closeIdleConnections();
    },
    close: () => closeServer(server),
  };
}

async function handle(
  gate: GateHost,
  isAllowed: (request: IncomingMessage) => boolean,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> {
  if (!isAllowed(request)) return sendProblem(response, 'forbidden', requestId);
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  if (path === '/livez' || path === '/readyz') return sendHealth(gate, path, response);
  if (sendResource(gate.resource, request, response, path)) return;
  const grant = /^\/grants\/([^/]*)$/.exec(path)?.[1];
  const mcp = /^\/mcp(?:\/([a-z0-9-]{1,63}))?$/.exec(path);
  if (mcp !== null) return serveMcp({ host: gate, request, response, requestId, endpoint: mcp[1] });
  if (path === '/v1/models' && request.method === 'GET') return serveModelList(gate, request, response, requestId);
  const dialect = dialectAt(path);
  if (grant === undefined && dialect === undefined) return sendProblem(response, 'not-found', requestId);
  if (request.method !== 'POST') return sendProblem(response, 'method-not-allowed', requestId);
  if (grant !== undefined) return serveGrant(gate, request, response, requestId, grant);
  if (dialect !== undefined) return serveModel(gate, request, response, requestId, dialect);
}

/** Alive: this process answers. Ready: it may admit. What it waits for is said in one word. */
function sendHealth(gate: GateHost, path: string, response: ServerResponse): void {
  const why = whyNotReady(gate);
  const headers = { 'cache-control': 'no-store' };
  if (path === '/livez') return sendJson(response, 200, { status: 'ok' }, headers);
  const clockAheadMs = Math.round(gate.fence.clockAheadMs);
  if (why === undefined) return sendJson(response, 200, { status: 'ok', clockAheadMs }, headers);
  sendJson(response, 503, { status: 'not-ready', why, clockAheadMs }, headers);
}

function whyNotReady({ fence, tokens, tools }: GateHost): string | undefined {
  const standing = fence.standing();
  if (!standing.live) return standing.why;
  if (tokens.refusesByClock) return 'clock-off';
  return tools.waitForStore ? 'tools-unrecorded' : undefined;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Its error says that it was not listening any more, which is what is wanted.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
