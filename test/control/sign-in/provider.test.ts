import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAdaptorServer } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSignIn, type EstopConfig, type SignInSpec } from '../../../src/contract/config.ts';
import { createCallers } from '../../../src/control/sign-in/callers.ts';
import { createIdentityProvider } from '../../../src/control/sign-in/identity-provider.ts';
import { createServiceVerifier } from '../../../src/control/sign-in/services.ts';
import { guardedFetch } from '../../../src/runtime/guarded-fetch.ts';
import { freePort } from '../../../src/runtime/local/free-port.ts';
import { mainPath } from '../../cli/rig.ts';
import { type Program, runProgram } from '../../kit/program.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { type ControlRig, field, makeControl } from '../rig.ts';
import { type Browser, openBrowser, type Seen } from './browser.ts';

const program = fileURLToPath(new URL('./programs/identity-provider.ts', import.meta.url));

describe('signing in with an identity provider', () => {
  let rig: ControlRig;
  let url: string;
  let issuer: string;
  let provider: Program;
  let server: Server;
  let spec: SignInSpec = defaultSignIn;
  beforeAll(async () => {
    url = `http://127.0.0.1:${await freePort()}`;
    provider = runProgram(program, [`${url}/sign-in/callback`]);
    issuer = String((await provider.next())['issuer']);
    spec = {
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
    const readSecret = (): string => 'a-client-secret-of-the-test-provider';
    rig = made.withDeps({
      config,
      controlUrl: url,
      callers: createCallers({
        store,
        authenticator,
        log,
        config,
        services: createServiceVerifier({ config, fetch: guardedFetch, log }),
      }),
      identityProvider: createIdentityProvider({ config, readSecret, fetch: guardedFetch, log }),
    });
    server = createAdaptorServer({ fetch: rig.app.fetch, overrideGlobalObjects: false, createServer }) as Server; // createServer of node:http makes exactly this
    await new Promise<void>((resolve) => void server.listen(Number(new URL(url).port), '127.0.0.1', resolve));
  });
  afterAll(async () => {
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

  it('brings back whoever the provider names, with the roles of their groups, to the page that they wanted', async () => {
    await person('olga');
    const browser = openBrowser();
    const seen = await signIn(browser, '/errors/held');
    expect([seen.status, seen.url]).toEqual([200, `${url}/errors/held`]);
    expect(await whoAmI(browser)).toMatchObject({ actor: 'olga@example.org', roles: ['operator'] });
    const asked = new URL(seen.way.find((one) => one.startsWith(`${issuer}/auth?`)) ?? '');
    for (const name of ['state', 'nonce', 'code_challenge'])
      expect(asked.searchParams.get(name)?.length).toBeGreaterThan(40);
    expect(asked.searchParams.get('code_challenge_method')).toBe('S256');
  });

  it('an address that was not verified is nobody’s name', async () => {
    await person('mallory', [], false);
    spec = { ...spec, roles: [...spec.roles, { role: 'admin', people: ['mallory@example.org'], groups: [] }] };
    const browser = openBrowser();
    await signIn(browser);
    expect(await whoAmI(browser)).toMatchObject({ actor: 'sub:mallory-1', roles: [] });
  });

  it('after it, nobody is led to another place', async () => {
    await person('olga');
    const seen = await signIn(openBrowser(), '//attacker.example/');
    expect(new URL(seen.url).origin).toBe(url);
  });

  it('an answer works once', async () => {
    const browser = openBrowser();
    const answer = await answerFor(browser);
    const cookie = new Map(browser.cookies.get(url));
    expect((await browser.open(answer)).status).not.toBe(400);
    browser.cookies.set(url, cookie);
    expect((await browser.open(answer)).status).toBe(400);
  });

  it('an answer that somebody else began signs nobody in', async () => {
    const answer = await answerFor(openBrowser());
    const victim = openBrowser();
    expect((await victim.open(answer)).status).toBe(400);
    await answerFor(victim); // the victim has begun one of their own: the cookie is there, and of another state
    expect((await victim.open(answer)).status).toBe(400);
    expect(await whoAmI(victim)).toBe(401);
  });

  it('an answer with another state, another code or another issuer signs nobody in', async () => {
    for (const [name, value] of [
      ['state', 'x'.repeat(43)],
      ['code', 'x'.repeat(43)],
      ['iss', 'https://attacker.example'],
    ] as const) {
      const browser = openBrowser();
      const answer = new URL(await answerFor(browser));
      answer.searchParams.set(name, value);
      expect([name, [400, 401].includes((await browser.open(answer.href)).status)]).toEqual([name, true]);
      expect(await whoAmI(browser)).toBe(401);
    }
  });

  it('a nonce or verifier that is not the one of the beginning signs nobody in', async () => {
    for (const column of ['nonce', 'verifier']) {
      const browser = openBrowser();
      const answer = await answerFor(browser);
      await rig.ledger.sql(`UPDATE estop.sign_in_attempts SET ${column} = repeat('y', 43)`);
      expect([column, (await browser.open(answer)).status]).toEqual([column, 401]);
      expect(await whoAmI(browser)).toBe(401);
    }
  });

  it('one that took too long is over', async () => {
    const browser = openBrowser();
    const answer = await answerFor(browser);
    await rig.ledger.sql('UPDATE estop.sign_in_attempts SET expires_at = clock_timestamp()');
    expect((await browser.open(answer)).status).toBe(400);
  });

  it('what stood in the browser before is not taken over, and is over', async () => {
    const browser = openBrowser();
    await signIn(browser);
    const first = new Map(browser.cookies.get(url));
    await signIn(browser);
    const second = browser.cookies.get(url)?.get('estop-test-sign-in');
    expect(second).not.toBe(first.get('estop-test-sign-in'));
    browser.cookies.set(url, first);
    expect(await whoAmI(browser)).toBe(401);
  });

  it('who signs out at the provider is out here, and nobody can say that in its place', async () => {
    await person('otto');
    const [browser, other] = [openBrowser(), openBrowser()];
    await signIn(browser);
    await signIn(other);
    const forged = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ iss: issuer, aud: 'estop-console', sub: 'otto-1', iat: 1, jti: 'x', events: {} })).toString('base64url')}.`;
    const say = (token: string) =>
      fetch(`${url}/sign-in/back-channel-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: token }),
      });
    expect((await say(forged)).status).toBe(400);
    expect(await whoAmI(browser)).toMatchObject({ actor: 'otto@example.org' });
    await browser.press(await browser.open(`${issuer}/session/end`), { logout: 'yes' });
    await expect.poll(() => whoAmI(browser), { timeout: 5_000 }).toBe(401);
    expect(await whoAmI(other)).toMatchObject({ actor: 'otto@example.org' }); // another session of the provider
  });

  it('goes on when the provider changes its keys', async () => {
    await person('olga');
    await signIn(openBrowser());
    await steer({ rotate: true });
    const browser = openBrowser();
    expect((await signIn(browser)).status).toBe(200);
    expect(await whoAmI(browser)).toMatchObject({ actor: 'olga@example.org' });
  });

  it('a provider whose clock is ten minutes slow names nobody: what it says is over; a minute is forgiven', async () => {
    await steer({ clockMs: -10 * 60_000 });
    expect((await signIn(openBrowser())).status).toBe(401);
    await steer({ clockMs: -50_000 });
    expect((await signIn(openBrowser())).status).toBe(200);
    await steer({ clockMs: 0 });
  });

  it('a provider that is slow or down keeps nobody out who is in, and says what still works', async () => {
    const browser = openBrowser();
    await signIn(browser);
    const other = openBrowser();
    const answer = await answerFor(other);
    await steer({ delayMs: 7_000 });
    const begun = Date.now();
    const slow = await other.open(answer);
    await steer({ delayMs: 0 });
    expect([slow.status, slow.text.includes('estop stop')]).toEqual([503, true]);
    expect(Date.now() - begun).toBeLessThan(7_000);
    expect(await whoAmI(browser)).toMatchObject({ roles: ['operator'] });
  }, 20_000);

  describe('a terminal', () => {
    const post = (path: string, body: object = {}) => rig.call('POST', path, { body });
    const confirm = async (asked: { readonly body: unknown }): Promise<void> => {
      const browser = openBrowser();
      let seen = await browser.open(String(field(asked.body, 'verificationUri')));
      for (let pages = 0; pages < 4 && seen.text.includes('<form'); pages += 1)
        seen = await browser.press(seen, { confirm: 'yes' });
    };

    it('waits until a person has confirmed it', async () => {
      const asked = await post('/sign-in/terminal');
      expect(asked.status).toBe(200);
      const handle = String(field(asked.body, 'handle'));
      expect((await post('/sign-in/terminal/poll', { handle })).status).toBe(202);
    });

    it('by estop login: the sign-in is in a profile, and logout ends it', async () => {
      await person('tina');
      const folder = tempFolder();
      const env = { ...process.env, ESTOP_CONFIG_DIR: folder, HOME: folder };
      const cli = (...args: readonly string[]) =>
        spawn(process.execPath, [mainPath, '--control-url', url, ...args], { env, cwd: folder });
      const login = cli('login');
      let said = '';
      login.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      await expect.poll(() => said, { timeout: 10_000 }).toContain('confirm the code');
      await confirm({ body: { verificationUri: /Open (\S+)/.exec(said)?.[1] } });
      expect([(await once(login, 'exit'))[0], said.includes('estop_test_')]).toEqual([0, false]);
      const path = join(folder, 'profiles', 'default.json');
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const authorization = `Bearer ${String(field(JSON.parse(readFileSync(path, 'utf8')), 'token'))}`;
      const who = () => rig.call('GET', '/v1/whoami', { headers: { authorization } });
      expect(field((await who()).body, 'roles')).toEqual(['operator']);
      expect((await once(cli('logout'), 'exit'))[0]).toBe(0);
      expect([(await who()).status, existsSync(path)]).toEqual([401, false]);
    }, 30_000);

    it('with a handle that nobody gave out is refused', async () => {
      expect((await post('/sign-in/terminal/poll', { handle: 'x'.repeat(43) })).status).toBe(401);
    });
  });

  describe('a service with a JWT of its own', () => {
    it('is let in by issuer, audience and subject, and not without any of them', async () => {
      const good = await tokenFor('urn:estop:test');
      const answer = await use(good);
      expect([answer.status, field(answer.body, 'actor'), field(answer.body, 'roles')]).toEqual([
        200,
        'service:backend',
        ['service', 'viewer'],
      ]);
      expect((await use(await tokenFor('urn:another')))?.status).toBe(401);
      const [service] = spec.services;
      const before = spec;
      for (const change of [{ subject: 'other' }, { issuer: 'https://attacker.example' }, { audience: 'urn:else' }]) {
        spec = { ...before, services: service === undefined ? [] : [{ ...service, ...change }] };
        expect([change, (await use(good)).status]).toEqual([change, 401]);
      }
      spec = before;
      const [head, body] = good.split('.');
      const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
      for (const forged of [`${none}.${body}.`, `${none}.${body}.x`, `${head}.${body}.${'A'.repeat(342)}`])
        expect((await use(forged)).status).toBe(401);
    });

    it('is out when its token is over', async () => {
      await steer({ clockMs: -20 * 60_000 });
      const old = await tokenFor('urn:estop:test');
      await steer({ clockMs: 0 });
      expect((await use(old)).status).toBe(401);
    });
  });

  it('with the provider gone, whoever is signed in and whoever has a JWT goes on', async () => {
    const browser = openBrowser();
    await person('olga');
    await signIn(browser);
    const jwt = await tokenFor('urn:estop:test');
    expect((await use(jwt)).status).toBe(200);
    const other = openBrowser();
    const answer = await answerFor(other);
    await provider.kill('SIGKILL');
    expect((await other.open(answer)).status).toBe(503);
    expect(await whoAmI(browser)).toMatchObject({ actor: 'olga@example.org', roles: ['operator'] });
    expect((await use(jwt)).status).toBe(200);
  });
});
