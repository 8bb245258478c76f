import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openByHandle } from '../../../src/control/sign-in/sealed-by-handle.ts';
import { mainPath } from '../../cli/rig.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { type Answer, field } from '../rig.ts';
import { openBrowser } from './browser.ts';
import { startProviderBed } from './provider-bed.ts';

const { rig, url, issuer, spec, edit, steer, person, tokenFor, use, askedDuring, pass } = await startProviderBed();

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Signed by nobody, under a key that nobody has. */
const unsigned = (n: number, audience: string, more: object = {}): string => {
  const second = Math.floor(Date.now() / 1_000);
  const claims = { iss: issuer, sub: 'backend', aud: audience, iat: second, exp: second + 600, jti: `j-${n}`, ...more };
  return `${base64({ alg: 'RS256', kid: `nobody-${n}` })}.${base64(claims)}.${'A'.repeat(342)}`;
};
const many = <Result>(count: number, work: (n: number) => Promise<Result>): Promise<Result[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => work(n)));

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
    const ended = once(login, 'exit');
    let said = '';
    login.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    await expect.poll(() => said, { timeout: 10_000 }).toContain('confirm the code');
    // For a moment the provider does not answer: that is no reason to begin again.
    await steer({ tokens: { status: 503, error: '' } });
    const askedNow = () => askedDuring(() => pause(50));
    await expect.poll(async () => (await askedNow()).includes('/token'), { timeout: 10_000 }).toBe(true);
    await steer({ tokens: { status: 0, error: '' } });
    await confirm({ body: { verificationUri: /Open (\S+)/.exec(said)?.[1] } });
    expect([(await ended)[0], said.includes('estop_test_')]).toEqual([0, false]);
    const path = join(folder, 'profiles', 'default.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const authorization = `Bearer ${String(field(JSON.parse(readFileSync(path, 'utf8')), 'token'))}`;
    const who = () => rig.call('GET', '/v1/whoami', { headers: { authorization } });
    expect(field((await who()).body, 'roles')).toEqual(['operator']);
    expect((await once(cli('logout'), 'exit'))[0]).toBe(0);
    expect([(await who()).status, existsSync(path)]).toEqual([401, false]);
  }, 30_000);

  const polled = (handle: string, app = rig) => app.call('POST', '/sign-in/terminal/poll', { body: { handle } });
  const untilDue = async (handle: string, app = rig) => {
    // The answer that lets somebody in is given once: it is not asked for a second time.
    const answers: Answer[] = [];
    await expect
      .poll(async () => answers.unshift(await polled(handle, app)) && answers[0]?.status, {
        timeout: 10_000,
        interval: 100,
      })
      .not.toBe(202);
    return answers[0] ?? polled(handle, app);
  };

  it('may ask another process of control than the one where it began, or one that was started since', async () => {
    await person('tara');
    const asked = await post('/sign-in/terminal');
    const handle = String(field(asked.body, 'handle'));
    const other = rig.withDeps({});
    expect((await polled(handle, other)).status).toBe(202);
    // However often it asks, and whom, the provider is asked as often as it wants to be.
    const flood = () =>
      many(20, async (nth) => expect((await polled(handle, nth % 2 === 0 ? rig : other)).status).toBe(202));
    expect((await askedDuring(flood)).filter((path) => path === '/token').length).toBeLessThan(10);
    await confirm(asked);
    expect(field((await untilDue(handle, other)).body, 'name')).toBe('tara@example.org');
    expect((await polled(handle)).status).toBe(401);
  });

  it('waits on while the provider says that it cannot answer now, and is out when it says no', async () => {
    await person('tess');
    const asked = await post('/sign-in/terminal');
    const handle = String(field(asked.body, 'handle'));
    await steer({ tokens: { status: 503, error: '' } });
    expect((await untilDue(handle)).status).toBe(503);
    await steer({ tokens: { status: 429, error: 'temporarily_unavailable' } });
    let answers: readonly string[] = [];
    const askedOnce = async () => {
      const asked = await askedDuring(async () => (answers = [...answers, String((await polled(handle)).status)]));
      return asked.includes('/token');
    };
    await expect.poll(askedOnce, { timeout: 10_000, interval: 100 }).toBe(true);
    expect(new Set(answers)).toEqual(new Set(['202']));
    await steer({ tokens: { status: 0, error: '' } });
    await confirm(asked);
    expect(field((await untilDue(handle)).body, 'name')).toBe('tess@example.org');
    const denied = String(field((await post('/sign-in/terminal')).body, 'handle'));
    await steer({ tokens: { status: 400, error: 'access_denied' } });
    expect((await untilDue(denied)).status).toBe(401);
    await steer({ tokens: { status: 0, error: '' } });
    expect((await polled(denied)).status).toBe(401);
  });

  it('is over when its code is, and nobody reads that code in the store', async () => {
    const handle = String(field((await post('/sign-in/terminal')).body, 'handle'));
    const [row] = await rig.ledger.sql('SELECT sealed FROM estop.terminal_waits ORDER BY ends_at DESC LIMIT 1');
    const sealed = row?.['sealed'] as Buffer; // bytea, as the driver gives it
    expect(openByHandle(handle, sealed)).toMatch(/^[\w-]{20,}$/);
    expect(() => openByHandle(`${handle.slice(0, -1)}_`, sealed)).toThrow();
    expect(sealed.toString('latin1')).not.toContain(openByHandle(handle, sealed));
    await rig.ledger.sql('UPDATE estop.terminal_waits SET ends_at = clock_timestamp()');
    expect((await polled(handle)).status).toBe(401);
  });

  it('with a handle that nobody gave out is refused', async () => {
    expect((await post('/sign-in/terminal/poll', { handle: 'x'.repeat(43) })).status).toBe(401);
    expect((await post('/sign-in/terminal/poll', { handle: 'x'.repeat(2_000) })).status).toBe(413);
    const noted = () =>
      rig.ledger.sql("SELECT source, subject FROM estop.refused_attempts WHERE because = 'unknown-handle'");
    await expect.poll(noted, { timeout: 20_000 }).toContainEqual({ source: 'unknown', subject: 'sign-in' });
  });
});

describe('doors at which nobody has to prove anything', () => {
  it('a flood of sign-outs that the provider did not say does not flood the provider, and ends nothing', async () => {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const flood = () =>
      many(100, async (n) => {
        const raw = new URLSearchParams({ logout_token: unsigned(n, 'estop-console', { events }) }).toString();
        const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(raw.length) };
        expect((await rig.call('POST', '/sign-in/back-channel-logout', { raw, headers })).status).toBe(400);
      });
    pass(2_001);
    expect((await askedDuring(flood)).filter((path) => path === '/jwks')).toEqual(['/jwks']);
    expect(await askedDuring(flood)).toEqual([]);
  });

  it('a flood of terminals does not flood the provider, and takes nothing from whoever waits', async () => {
    const begin = () => rig.call('POST', '/sign-in/terminal', { body: {} });
    const first = await begin();
    const asked = await askedDuring(async () => {
      const answers = await many(100, begin);
      expect(answers.filter(({ status }) => status === 409).length).toBeGreaterThan(50);
    });
    expect(asked.length).toBeLessThan(50);
    const handle = String(field(first.body, 'handle'));
    expect((await rig.call('POST', '/sign-in/terminal/poll', { body: { handle } })).status).toBe(202);
  });

  it('a flood of either kind from one address keeps nobody out who comes from another', async () => {
    const from = (localAddress: string, method: string, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const headers = { 'content-type': 'application/json', 'origin': url };
        const asked = request(new URL(path, url), { method, localAddress, headers, agent: false }, (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        });
        asked.on('error', reject).end(method === 'POST' ? '{}' : undefined);
      });
    for (const [method, path, refused, good] of [
      ['POST', '/sign-in/terminal', 409, 200],
      ['GET', '/sign-in/provider', 429, 302],
    ] as const) {
      const answers = await many(200, () => from('127.0.0.77', method, path));
      expect(answers.filter((status) => status === refused).length).toBeGreaterThan(100);
      expect([path, await from('127.0.0.78', method, path)]).toEqual([path, good]);
    }
  });

  it('while the provider is down it is asked what it is once in a while, however many want to sign in', async () => {
    const { oidc: before } = spec();
    if (before === undefined) throw new Error('there is a provider');
    edit({ oidc: { ...before, issuer: `${issuer}/elsewhere` } });
    const asked = await askedDuring(() =>
      many(100, async () => expect([429, 503]).toContain((await rig.call('GET', '/sign-in/provider')).status)),
    );
    edit({ oidc: before });
    expect(asked.length).toBeLessThanOrEqual(2);
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
    const { services: before } = spec();
    const [service] = before;
    for (const change of [{ subject: 'other' }, { issuer: 'https://attacker.example' }, { audience: 'urn:else' }]) {
      edit({ services: service === undefined ? [] : [{ ...service, ...change }] });
      expect([change, (await use(good)).status]).toEqual([change, 401]);
    }
    edit({ services: before });
    const [head, body] = good.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
    for (const forged of [`${none}.${body}.`, `${none}.${body}.x`, `${head}.${body}.${'A'.repeat(342)}`])
      expect((await use(forged)).status).toBe(401);
  });

  it('is let in with a new key of its issuer within seconds, and out with one that was taken away within a minute', async () => {
    const old = await tokenFor('urn:estop:test');
    await use(old);
    await steer({ rotate: true });
    pass(2_001);
    expect((await use(await tokenFor('urn:estop:test'))).status).toBe(200);
    // Whoever is told that the old key is gone, by a token with the new one, has let it go.
    expect((await use(old)).status).toBe(401);
    const gone = await tokenFor('urn:estop:test');
    await steer({ rotate: true });
    pass(60_001);
    expect((await use(gone)).status).toBe(401);
  });

  it('a flood of tokens under unknown keys does not flood the issuer, nor does one while it is down', async () => {
    const flood = () => many(100, async (n) => expect((await use(unsigned(n, 'urn:estop:test'))).status).toBe(401));
    pass(2_001);
    expect(await askedDuring(flood)).toEqual(['/jwks']);
    expect(await askedDuring(flood)).toEqual([]);
    const { services: before } = spec();
    edit({ services: before.map((one) => ({ ...one, jwksUri: `${issuer}/no-such-place` })) });
    expect(await askedDuring(flood)).toEqual(['/no-such-place']);
    expect(await askedDuring(flood)).toEqual([]);
    edit({ services: before });
    expect((await use(await tokenFor('urn:estop:test'))).status).toBe(200);
  });

  it('is out when its token is over', async () => {
    await steer({ clockMs: -20 * 60_000 });
    const old = await tokenFor('urn:estop:test');
    await steer({ clockMs: 0 });
    expect((await use(old)).status).toBe(401);
  });

  it('is not let in yet with a token of an issuer whose clock is ten minutes fast; a minute is forgiven', async () => {
    await steer({ clockMs: 10 * 60_000 });
    const ahead = await tokenFor('urn:estop:test');
    await steer({ clockMs: 50_000 });
    const forgiven = await tokenFor('urn:estop:test');
    await steer({ clockMs: 0 });
    expect([(await use(ahead)).status, (await use(forgiven)).status]).toEqual([401, 200]);
  });
});
