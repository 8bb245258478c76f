import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mainPath } from '../../cli/rig.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { field } from '../rig.ts';
import { openBrowser } from './browser.ts';
import { startProviderBed } from './provider-bed.ts';

const { rig, url, spec, edit, steer, person, tokenFor, use } = await startProviderBed();

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

  it('is out when its token is over', async () => {
    await steer({ clockMs: -20 * 60_000 });
    const old = await tokenFor('urn:estop:test');
    await steer({ clockMs: 0 });
    expect((await use(old)).status).toBe(401);
  });
});
