import { existsSync, readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { listen } from '../../examples/demo/fault-proxy.ts';
import { type OauthServer, type OauthServerOptions, startOauthServer } from '../../examples/demo/oauth-server.ts';
import type { GrantSecret } from '../../src/connectors/kit/contract.ts';
import { keptField } from '../../src/contract/grant-secret.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { createOauthStore, type OauthStore } from './oauth-store.ts';
import type { Rig, RunningRig } from './rig.ts';

type Format = 'opaque' | 'jwt';

const skips = {
  'issue-lost':
    'the server alone knows the name of a client whose registration got no answer; oauth.test.ts tests what is said instead',
  'never-existed': 'no standard lets anyone ask for a client by name; oauth.test.ts tests what is said instead',
} as const;

export const rigs: readonly Rig[] = [
  { system: 'oauth', server: 'oidc-provider, opaque tokens', skips, start: () => startOauthRig('opaque') },
  {
    system: 'oauth',
    server: 'oidc-provider, JWT access tokens',
    ends: 'residual',
    skips: { ...skips, lying: 'nobody is asked whether a JWT is still good, so nobody can lie about it' },
    start: () => startOauthRig('jwt'),
  },
];

const markers = {
  'fence': 'PUT /reg/',
  'revoke-credential': 'POST /token/revocation',
  'disable-integration': 'DELETE /reg/',
} as const;

export interface OauthRig extends RunningRig {
  readonly server: OauthServer;
  readonly store: OauthStore;
}

export async function startOauthRig(
  format: Format,
  server: Pick<OauthServerOptions, 'tokenLifeSeconds' | 'rotateRegistrationTokens'> = {},
): Promise<OauthRig> {
  const store = createOauthStore();
  const logPath = join(tempFolder(), 'resource.log');
  // The issuer's name is the proxy's address, so the proxy comes first and learns its upstream afterwards.
  const upstream = { host: '127.0.0.1', port: 0 };
  const proxy = await listen(upstream);
  const issuer = `http://${proxy.host}:${proxy.port}`;
  const running = await startOauthServer({
    ...server,
    issuer,
    logPath,
    accessTokenFormat: format,
    adapter: store.adapter,
  });
  upstream.port = running.port;
  const control = { id: 'control-of-the-suite', secret: 'the-secret-of-the-control-identity-of-the-suite' };
  const allowControl = (): void =>
    store.set('Client', control.id, {
      client_id: control.id,
      client_secret: control.secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    });
  allowControl();
  const tokenOf = (secret: GrantSecret | undefined): string => String(secret?.['accessToken']);
  return {
    server: running,
    store,
    proxy,
    options: {
      issuer,
      network: 'loopback',
      initialAccessToken: { env: 'INITIAL_ACCESS_TOKEN' },
      control: { clientId: control.id, clientSecret: { env: 'CONTROL_SECRET' } },
      resourceUrl: `${issuer}/resource`,
    },
    secrets: { INITIAL_ACCESS_TOKEN: running.initialAccessToken, CONTROL_SECRET: control.secret },
    grantOptions: {},
    injections: [
      { scope: 'openid"; DROP TABLE clients; --' },
      { scope: "read'%00&grant_type=password&scope=admin" },
      { scope: 'read&scope=admin' },
      { scope: '../../admin' },
      { scope: 'line\r\nAuthorization:x' },
      { scope: 'x'.repeat(1_000_000) },
    ],
    useAsAgent: async (_grant, secret) =>
      (await statusAt(running.resourceUrl, tokenOf(secret))) === 200 ? 'worked' : 'refused',
    countInTarget: async (grant) => countUses(logPath, tokenOf(grant.secret)),
    openLasting: async (_grant, secret) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      return {
        alive: async () => (await statusAt(running.resourceUrl, tokenOf(secret), agent)) === 200,
        close: async () => agent.destroy(),
      };
    },
    revive: async (_grant, secret) => store.restoreClient(String(secret[keptField('clientId')])),
    breakControl: async () => {
      store.delete('Client', control.id);
      return async () => allowControl();
    },
    refuseOurCredential: async () => {
      // As an access proxy in front of the issuer does that no longer knows us.
      const body = '{"error":"access_denied"}';
      await proxy.addToxic('refused', { type: 'reply_with', bytes: reply('403 Forbidden', 'application/json', body) });
      return () => proxy.removeToxic('refused');
    },
    breakSelfCheck: async () => {
      store.delete('Client', control.id);
      return { finding: /control client/, undo: async () => allowControl() };
    },
    marker: (step) =>
      step in markers ? { bytes: markers[step as keyof typeof markers] } : { none: 'OAuth has no such phase' }, // guarded by `in`
    replies: () => ({
      'rate-limited': reply('429 Too Many Requests', 'application/json', '{"error":"slow_down"}', 'Retry-After: 7\r\n'),
      'server-error': reply('500 Internal Server Error', 'application/json', '{"error":"server_error"}'),
      // What a captive portal says to everything.
      'garbage': reply('200 OK', 'text/html', '<!doctype html><title>Welcome</title>'),
    }),
    stop: async () => {
      await proxy.close();
      await running.stop();
    },
  };
}

function reply(status: string, type: string, body: string, extra = ''): string {
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${extra}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

/** The agent's own request, with nothing of the connector in between. */
export function statusAt(url: string, token: string, agent?: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { authorization: `Bearer ${token}` }, ...(agent === undefined ? {} : { agent }) }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode ?? 0));
    }).once('error', reject);
  });
}

function countUses(logPath: string, token: string): number {
  if (!existsSync(logPath)) return 0;
  const lines = readFileSync(logPath, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line): unknown => JSON.parse(line)).filter((entry) => isUse(entry, token.slice(-6))).length;
}

function isUse(entry: unknown, end: string): boolean {
  return (
    typeof entry === 'object' &&
    entry !== null &&
    'token' in entry &&
    entry.token === end &&
    'status' in entry &&
    entry.status === 200
  );
}
