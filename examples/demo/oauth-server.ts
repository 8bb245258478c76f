import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';
import { z } from 'zod';

export interface OauthServer {
  readonly issuer: string;
  readonly port: number;
  /** The resource that the tokens open: 200 with a valid one, 401 without. Every arrival is in the server's own log. */
  readonly resourceUrl: string;
  readonly initialAccessToken: string;
  readonly controlClient: { readonly clientId: string; readonly clientSecret: string };
  /** What was asked of it within a trace, by W3C Trace Context. */
  traced(): readonly TracedRequest[];
  /** Every token that it gave out, to the control identity as well. */
  minted(): readonly MintedToken[];
  stop(): Promise<void>;
}

export interface TracedRequest {
  readonly method: string;
  readonly path: string;
  readonly traceparent: string;
  readonly tracestate?: string;
}

export interface MintedToken {
  /** Milliseconds since 1970, by this server's clock. */
  readonly at: number;
  readonly clientId: string;
  readonly token: string;
}

export interface OauthServerOptions {
  readonly port?: number;
  /** Where clients reach it, if that is a proxy in front of it. The resource is reached directly in any case. */
  readonly issuer?: string;
  /** JSON lines {at, token, status}; `token` is the last 6 characters. */
  readonly logPath?: string;
  readonly accessTokenFormat?: 'opaque' | 'jwt';
  readonly tokenLifeSeconds?: number;
  /** A new registration token at each update of a client, as some servers do. */
  readonly rotateRegistrationTokens?: boolean;
  /** Where it keeps clients and tokens; default: in memory, for this server alone. */
  readonly adapter?: Configuration['adapter'];
}

const control = { clientId: 'estop-control-identity', clientSecret: 'control-identity-secret-for-this-run' };
const initialAccessToken = 'initial-access-token-for-this-run';

/** A real OAuth 2.0 server (oidc-provider) with dynamic registration (RFC 7591/7592), revocation (7009), introspection (7662). */
export async function startOauthServer(options: OauthServerOptions = {}): Promise<OauthServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo; // listening on TCP, so it is one
  const own = `http://127.0.0.1:${address.port}`;
  const issuer = options.issuer ?? own;
  const provider = new Provider(issuer, configurationOf(options, issuer));
  const callback = provider.callback();
  // Straight from the server itself, as by a resource that stands beside it: a broken way between clients and issuer is not its concern.
  const keys = createRemoteJWKSet(new URL(`${own}/jwks`));
  const traced: TracedRequest[] = [];
  const minted: MintedToken[] = [];
  provider.on('grant.success', (context) => {
    const { access_token: token } = z.object({ access_token: z.string() }).parse(context.body);
    minted.push({ at: Date.now(), clientId: context.oidc.client?.clientId ?? '', token });
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { method = '', url = '', headers } = request;
    const { traceparent, tracestate } = headers;
    if (typeof traceparent === 'string')
      traced.push({ method, path: url, traceparent, ...(typeof tracestate === 'string' ? { tracestate } : {}) });
    if (request.url?.startsWith('/resource') !== true) return void callback(request, response);
    void answerResource(provider, { issuer, keys }, request, response, options.logPath);
  });
  return {
    issuer,
    resourceUrl: `${own}/resource`,
    port: address.port,
    initialAccessToken,
    controlClient: control,
    traced: () => traced,
    minted: () => minted,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Trust {
  readonly issuer: string;
  readonly keys: ReturnType<typeof createRemoteJWKSet>;
}

async function answerResource(
  provider: Provider,
  trust: Trust,
  request: IncomingMessage,
  response: ServerResponse,
  logPath: string | undefined,
): Promise<void> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const status = (await isAccepted(provider, trust, token)) ? 200 : 401;
  if (logPath !== undefined)
    appendFileSync(logPath, `${JSON.stringify({ at: Date.now(), token: token.slice(-6), status })}\n`);
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}),
  });
  response.end(JSON.stringify(status === 200 ? { ledger: 'open' } : { error: 'invalid_token' }));
}

/** An opaque token is looked up; a JWT is verified without asking the issuer, as resources do that take them. */
async function isAccepted(provider: Provider, { issuer, keys }: Trust, token: string): Promise<boolean> {
  if (token === '') return false;
  if (token.split('.').length !== 3) return (await provider.ClientCredentials.find(token))?.isValid === true;
  try {
    await jwtVerify(token, keys, { issuer, audience: `${issuer}/resource` });
    return true;
  } catch {
    return false;
  }
}

function configurationOf(options: OauthServerOptions, issuer: string): Configuration {
  const jwt = options.accessTokenFormat === 'jwt';
  return {
    clients: [
      {
        client_id: control.clientId,
        client_secret: control.clientSecret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      registration: { enabled: true, initialAccessToken },
      registrationManagement: {
        enabled: true,
        rotateRegistrationAccessToken: options.rotateRegistrationTokens ?? false,
      },
      ...(jwt
        ? {
            resourceIndicators: {
              enabled: true,
              defaultResource: () => `${issuer}/resource`,
              getResourceServerInfo: () => ({
                scope: '',
                audience: `${issuer}/resource`,
                accessTokenFormat: 'jwt' as const,
              }),
              useGrantedResource: () => true,
            },
          }
        : {}),
    },
    ttl: { ClientCredentials: options.tokenLifeSeconds ?? 600 },
    ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
    cookies: { keys: ['only-for-interactions-which-are-off'] },
  };
}
