import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeAfterAll } from '../gateway/rig.ts';

export interface Published {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Where clients publish what they are: each test says what stands at which path, and sees what was asked for. */
export async function startDocumentServer() {
  const published = new Map<string, Published>();
  const asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, headers: request.headers });
    const { status = 200, headers = {}, body = '' } = published.get(path) ?? { status: 404 };
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  closeAfterAll(() => new Promise((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo; // it listens on a port
  const origin = `http://127.0.0.1:${port}`;
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
