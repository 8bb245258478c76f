import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { closeAfterAll } from '../gateway/rig.ts';
import type { Identity } from '../kit/certificates.ts';

export interface Published {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Where clients publish what they are: each test says what stands at which path, and sees what was asked for. Over TLS with a
 * certificate to show.
 */
export async function startDocumentServer(identity?: Identity, host = '127.0.0.1') {
  const published = new Map<string, Published>();
  const asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  const serve: RequestListener = (request, response) => {
    const path = request.url ?? '';
    asked.push({ path, headers: request.headers });
    const { status = 200, headers = {}, body = '' } = published.get(path) ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
  const server =
    identity === undefined
      ? createServer(serve)
      : createSecureServer({ cert: readFileSync(identity.cert), key: readFileSync(identity.key) }, serve);
  await new Promise<void>((resolve) => server.listen(0, host, () => resolve()));
  closeAfterAll(() => new Promise((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo; // it listens on a port
  const origin = `${identity === undefined ? 'http' : 'https'}://${host}:${port}`;
  return {
    origin,
    asked,
    publish: (path: string, answer: Published): string => {
      published.set(path, answer);
      return `${origin}${path}`;
    },
    /** What a client says of itself there; `changes` may leave out or falsify. */
    describe: (path: string, changes: Readonly<Record<string, unknown>> = {}): string => {
      const said = {
        client_id: `${origin}${path}`,
        client_name: 'A <b>tool</b>',
        redirect_uris: ['http://127.0.0.1/callback', 'cursor://anysphere.cursor-mcp/oauth/callback'],
        token_endpoint_auth_method: 'none',
        ...changes,
      };
      published.set(path, { body: JSON.stringify(said) });
      return `${origin}${path}`;
    },
  };
}
