import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Held {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly lease?: number;
}

/**
 * NOT OpenBao and not Vault: a server that speaks the four calls of their HTTP API that we use (AppRole login, lookup-self, renew-self,
 * reading of a KV engine version 2), in the shapes that their documentation gives, and can be told to misbehave.
 */
export class KvServer {
  readonly secrets = new Map<string, Held>();
  /** Token, and until when it is good. */
  readonly tokens = new Map<string, number>();
  /** Method and path of each call, in order. */
  readonly calls: string[] = [];
  tokenLifeSeconds = 3_600;
  /** Answers instead, where it returns true. */
  misbehave: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #made = 0;

  static async start(): Promise<KvServer> {
    const kv = new KvServer();
    await new Promise<void>((resolve) => kv.#server.listen(0, '127.0.0.1', resolve));
    return kv;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo; // listening on TCP
    return `http://127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url ?? '';
    this.calls.push(`${request.method} ${path}`);
    if (this.misbehave(request, response)) return;
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as Readonly<Record<string, unknown>>;
    const reply = (status: number, value: object): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (path === '/v1/auth/approle/login') {
      if (body['role_id'] !== 'role' || body['secret_id'] !== 'canary-secret-id')
        return reply(400, { errors: ['invalid role or secret ID'] });
      this.#made += 1;
      const token = `canary-token-${this.#made}`;
      this.tokens.set(token, Date.now() + this.tokenLifeSeconds * 1_000);
      return reply(200, {
        auth: { client_token: token, lease_duration: this.tokenLifeSeconds, renewable: true },
      });
    }
    const token = String(request.headers['x-vault-token']);
    if ((this.tokens.get(token) ?? 0) <= Date.now()) return reply(403, { errors: ['permission denied'] });
    if (path === '/v1/auth/token/lookup-self')
      return reply(200, { data: { ttl: this.tokenLifeSeconds, renewable: true } });
    if (path === '/v1/auth/token/renew-self') {
      this.tokens.set(token, Date.now() + this.tokenLifeSeconds * 1_000);
      return reply(200, { auth: { client_token: token, lease_duration: this.tokenLifeSeconds, renewable: true } });
    }
    const held = this.secrets.get(path.replace('/v1/secret/data/', ''));
    if (held === undefined) return reply(404, { errors: [] });
    return reply(200, { lease_duration: held.lease ?? 0, data: { data: held.fields, metadata: { version: 1 } } });
  }
}
