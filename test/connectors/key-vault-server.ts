import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

interface Key {
  readonly key: string;
  readonly expiresAt: number;
}

export interface KeyVaultServer {
  readonly port: number;
  readonly keys: Map<string, Key>;
  /** Names that are given out no more: those that somebody asked to delete. */
  readonly barred: Set<string>;
  /** How often each key was let in. */
  readonly uses: Map<string, number>;
  stop(): Promise<void>;
}

/** A small service that keeps API keys by name and gives no name out twice: the system of the recipe in CONTRIBUTING.md. */
export async function startKeyVault(adminToken: string): Promise<KeyVaultServer> {
  const keys = new Map<string, Key>();
  const barred = new Set<string>();
  const uses = new Map<string, number>();
  const say = (response: ServerResponse, status: number, body?: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  };
  const whoAmI = (token: string, response: ServerResponse): void => {
    const found = [...keys].find(([, one]) => one.key === token && one.expiresAt > Date.now());
    if (found === undefined) return say(response, 401, { error: 'unknown_key' });
    uses.set(found[0], (uses.get(found[0]) ?? 0) + 1);
    say(response, 200, { name: found[0] });
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    if (pathname === '/whoami') return whoAmI(token, response);
    if (token !== adminToken) return say(response, 403, { error: 'forbidden' });
    const name = decodeURIComponent(pathname.replace('/keys/', ''));
    if (request.method === 'GET')
      return keys.has(name) ? say(response, 200, { name }) : say(response, barred.has(name) ? 410 : 404, {});
    if (request.method === 'DELETE') {
      barred.add(name);
      return say(response, keys.delete(name) ? 204 : 404);
    }
    if (keys.has(name) || barred.has(name)) return say(response, 409, { error: 'name_taken' });
    let body = '';
    for await (const piece of request) body += String(piece);
    const { expiresAt } = JSON.parse(body) as { expiresAt: string }; // the connector under test is its one client
    const key = randomBytes(24).toString('base64url');
    keys.set(name, { key, expiresAt: Date.parse(expiresAt) });
    say(response, 200, { key });
  };
  const server = createServer((request, response) => void handle(request, response).catch(() => response.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port');
  return { port: address.port, keys, barred, uses, stop: async () => void server.close() };
}
