import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { keepRoom } from '../keep-room.ts';
import { parseBind } from './bind.ts';

export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

interface Options {
  /** host:port, port 0 = any. */
  readonly bind: string;
  readonly registry: Pick<Registry, 'metrics' | 'contentType'>;
  readonly now?: () => number;
}

/** Whoever scrapes more often than this gets the same page again. */
const renderEveryMs = 1_000;
const connectionsAtMost = 8;

/**
 * `/metrics` on a listener of its own, so that nobody who may scrape can reach an API and nobody who calls an API finds this. The page
 * is made at most once a second however often it is asked for, and few connections are taken at a time: a scrape, or a flood of
 * them, costs the process next to nothing. Not protected: whoever reaches this address may read the figures; it has no sign-in.
 */
export async function serveMetrics({ bind, registry, now = () => performance.now() }: Options): Promise<MetricsServer> {
  const { host, port } = parseBind(bind);
  let page: { readonly madeAt: number; readonly text: Promise<string> } | undefined;
  const current = (): Promise<string> => {
    if (page === undefined || now() - page.madeAt >= renderEveryMs) {
      const text = registry.metrics();
      page = { madeAt: now(), text };
      text.catch(() => (page = undefined));
    }
    return page.text;
  };
  const server = createServer(
    { headersTimeout: 2_000, requestTimeout: 5_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      answer(request, response, current, registry.contentType).catch(() => response.destroy());
    },
  );
  keepRoom(server, { most: connectionsAtMost, mayRefuse: true, holdsRequests: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  server.on('error', () => undefined);
  const { address, family, port: taken } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  current: () => Promise<string>,
  contentType: string,
): Promise<void> {
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  const isWanted = (request.url ?? '').split('?', 1)[0] === '/metrics';
  if (!isWanted || request.method !== 'GET') {
    response.writeHead(isWanted ? 405 : 404, headers).end();
    return;
  }
  const text = await current();
  response.writeHead(200, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
