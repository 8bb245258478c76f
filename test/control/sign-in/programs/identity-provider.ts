import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';

/** An identity provider as a process of its own, whose people, keys, pace and clock a test can change: POST /-/steer. */
const realNow = Date.now.bind(Date);
const state = {
  person: { sub: 'olga-1', email: 'olga@example.org', email_verified: true, groups: ['sre'] as readonly string[] },
  delayMs: 0,
  clockMs: 0,
  /** What its token endpoint answers instead: a status, and an error in JSON where one is said. */
  tokens: { status: 0, error: '' },
};
Date.now = () => realNow() + state.clockMs;

const redirectUri = process.argv[2] ?? '';
const server = createServer();
await new Promise<void>((resolve) => void server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', resolve));
const address = server.address();
const issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
let provider = await makeProvider();

async function makeProvider(): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const key: JWK = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: `k-${realNow()}` };
  const configuration: Configuration = {
    jwks: { keys: [key] },
    clients: [
      {
        client_id: 'estop-console',
        client_secret: 'a-client-secret-of-the-test-provider',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        backchannel_logout_uri: redirectUri.replace('/callback', '/back-channel-logout'),
        backchannel_logout_session_required: true,
      },
      {
        client_id: 'estop-cli',
        token_endpoint_auth_method: 'none',
        application_type: 'native',
        redirect_uris: [],
        response_types: [],
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      },
      {
        client_id: 'backend',
        client_secret: 'another-client-secret-of-the-test-provider',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
    scopes: ['openid', 'email', 'groups'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:none',
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          scope: '',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ ...state.person, sub: id }) }),
    loadExistingGrant: async (context) => {
      const { client, session } = context.oidc;
      const grant = new context.oidc.provider.Grant({
        ...(client === undefined ? {} : { clientId: client.clientId }),
        ...(session?.accountId === undefined ? {} : { accountId: session.accountId }),
      });
      grant.addOIDCScope('openid email groups');
      await grant.save();
      return grant;
    },
    // Ours would not call this machine; the test's control is here.
    fetch: (url, options = {}) =>
      fetch(url, {
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
        body: options.body ?? null,
      }),
    cookies: { keys: ['a-key-for-the-cookies-of-the-test-provider'] },
    ttl: { IdToken: 300, AccessToken: 600 },
  };
  return new Provider(issuer, configuration);
}

server.on('request', (request: IncomingMessage, response: ServerResponse) => void answer(request, response));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url === '/-/steer') return steer(request, response);
  if (state.delayMs > 0) await pause(state.delayMs);
  if (request.url === '/token' && state.tokens.status > 0) {
    const { status, error } = state.tokens;
    response.writeHead(status, { 'content-type': error === '' ? 'text/html' : 'application/json' });
    return void response.end(error === '' ? '<h1>Not now</h1>' : JSON.stringify({ error }));
  }
  if (request.url?.startsWith('/interaction/') === true) {
    // Whoever comes is the person of the moment: signing in at the provider is not what is tested.
    await provider.interactionDetails(request, response);
    return provider.interactionFinished(request, response, { login: { accountId: state.person.sub }, consent: {} });
  }
  await provider.callback()(request, response);
}

async function steer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const { rotate, ...change } = JSON.parse(text) as Partial<typeof state> & { readonly rotate?: boolean }; // written by our own test
  Object.assign(state, change);
  if (rotate === true) provider = await makeProvider();
  response.end('{}');
}

process.stdout.write(`${JSON.stringify({ issuer })}\n`);
