import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import { afterAll } from 'vitest';
import { defaultSignIn, type EstopConfig, type SignInSpec } from '../../../src/contract/config.ts';
import { createCallers } from '../../../src/control/sign-in/callers.ts';
import { createIdentityProvider } from '../../../src/control/sign-in/identity-provider.ts';
import { createPublishedKeys } from '../../../src/control/sign-in/published-keys.ts';
import { createServiceVerifier } from '../../../src/control/sign-in/services.ts';
import { type GuardedFetch, guardedFetch } from '../../../src/runtime/guarded-fetch.ts';
import { freePort } from '../../../src/runtime/local/free-port.ts';
import { runProgram } from '../../kit/program.ts';
import { field, makeControl } from '../rig.ts';
import { type Browser, openBrowser, type Seen } from './browser.ts';

const program = fileURLToPath(new URL('./programs/identity-provider.ts', import.meta.url));

const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0)) await close();
});

/** Control on a port of its own beside a real identity provider, which is a process of its own, and what a browser does between them. */
export async function startProviderBed() {
  const url = `http://127.0.0.1:${await freePort()}`;
  const provider = runProgram(program, [`${url}/sign-in/callback`]);
  const issuer = String((await provider.next())['issuer']);
  let spec: SignInSpec = {
    ...defaultSignIn,
    oidc: {
      issuer,
      clientId: 'estop-console',
      clientSecret: { env: 'SECRET' },
      deviceClientId: 'estop-cli',
      scopes: ['openid', 'email', 'groups'],
      groupsClaim: 'groups',
      network: 'loopback',
    },
    services: [
      {
        serviceId: 'backend',
        issuer,
        audience: 'urn:estop:test',
        jwksUri: `${issuer}/jwks`,
        subject: 'backend',
        roles: ['service', 'viewer'],
        network: 'loopback',
      },
    ],
    roles: [{ role: 'operator', people: [], groups: ['sre'] }],
  };
  const made = await makeControl();
  const { store, authenticator, log } = made.deps;
  const config = { current: (): EstopConfig => ({ ...made.deps.config.current(), signIn: spec }) };
  const asked: string[] = [];
  /** What is asked of the provider from here, and asked it all the same. */
  const watchedFetch: GuardedFetch = (address, options) => {
    asked.push(new URL(address).pathname);
    return guardedFetch(address, options);
  };
  let passedMs = 0;
  const keys = createPublishedKeys({ fetch: watchedFetch, log, now: () => passedMs });
  const readSecret = (): string => 'a-client-secret-of-the-test-provider';
  let patience = 5;
  const patienceSeconds = () => patience;
  const identityProvider = createIdentityProvider({
    config,
    readSecret,
    fetch: watchedFetch,
    keys,
    log,
    patienceSeconds,
  });
  const rig = made.withDeps({
    config,
    controlUrl: url,
    callers: createCallers({
      store,
      authenticator,
      log,
      config,
      services: createServiceVerifier({ config, keys }),
    }),
    // Terminals ask more often than this provider says, so that nobody waits for them here.
    identityProvider: {
      ...identityProvider,
      beginDevice: async () => ({ ...(await identityProvider.beginDevice()), everyMs: 300 }),
    },
  });
  const server = createAdaptorServer({ fetch: rig.app.fetch, overrideGlobalObjects: false, createServer }) as Server; // createServer of node:http makes exactly this
  await new Promise<void>((resolve) => void server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
  closers.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  });
  const steer = async (change: object): Promise<void> => {
    await fetch(`${issuer}/-/steer`, { method: 'POST', body: JSON.stringify(change) });
  };
  const person = (name: string, groups: readonly string[] = ['sre'], isVerified = true) =>
    steer({ person: { sub: `${name}-1`, email: `${name}@example.org`, email_verified: isVerified, groups } });
  const signIn = (browser: Browser, next = '/openapi.json'): Promise<Seen> =>
    browser.open(`${url}/sign-in/provider?next=${encodeURIComponent(next)}`);
  const whoAmI = async (browser: Browser): Promise<unknown> => {
    const seen = await browser.open(`${url}/v1/whoami`);
    return seen.status === 200 ? JSON.parse(seen.text) : seen.status;
  };
  /** The address with which the provider sends the browser back, not opened yet. */
  const answerFor = async (browser: Browser): Promise<string> => {
    const begun = await fetch(`${url}/sign-in/provider`, { redirect: 'manual' });
    const [cookie = ''] = (begun.headers.getSetCookie()[0] ?? '').split(';');
    const jar = browser.cookies.get(url) ?? new Map<string, string>();
    browser.cookies.set(url, jar);
    jar.set(cookie.split('=')[0] ?? '', cookie.split('=')[1] ?? '');
    const stranger = openBrowser(); // the provider's side, without the cookie of ours
    const seen = await stranger.open(begun.headers.get('location') ?? '');
    return seen.way.find((one) => one.startsWith(`${url}/sign-in/callback`)) ?? '';
  };

  const tokenFor = async (
    audience: string,
    client = 'backend:another-client-secret-of-the-test-provider',
  ): Promise<string> => {
    const reply = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(client).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience }),
    });
    return String(field(await reply.json(), 'access_token'));
  };
  const use = async (jwt: string) => rig.call('GET', '/v1/whoami', { headers: { authorization: `Bearer ${jwt}` } });
  return {
    rig,
    url,
    issuer,
    provider,
    /** `signIn` of estop.yaml, as a test may edit it. */
    spec: () => spec,
    edit: (change: Partial<SignInSpec>): void => {
      spec = { ...spec, ...change };
    },
    steer,
    person,
    signIn,
    whoAmI,
    answerFor,
    tokenFor,
    use,
    /** Paths that were asked of the provider while `work` ran. */
    askedDuring: async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = asked.length;
      await work();
      return asked.slice(before);
    },
    /** How long the provider is waited for. */
    setPatience: (seconds: number): void => {
      patience = seconds;
    },
    /** For whoever keeps keys, so much time is over, and no other. */
    pass: (ms: number): void => {
      passedMs += ms;
    },
  };
}
