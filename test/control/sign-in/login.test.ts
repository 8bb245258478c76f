import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { auditTrail } from '../../../src/store/audit-trail.ts';
import { mainPath } from '../../cli/rig.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { openBrowser } from './browser.ts';
import { startProviderBed } from './provider-bed.ts';

const { rig, url, steer } = await startProviderBed();

describe('estop login', () => {
  /** What it came to, once a person has pressed this button on the page that it named. */
  async function login(press: Readonly<Record<string, string>>, at = url) {
    const folder = tempFolder();
    const env = { ...process.env, ESTOP_CONFIG_DIR: folder, HOME: folder };
    const child = spawn(process.execPath, [mainPath, '--control-url', at, 'login'], { env, cwd: folder });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    let [said, data] = ['', ''];
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => (data += text));
    await expect.poll(() => said, { timeout: 20_000 }).toContain('confirm the code');
    const page = /Open (http:\S+)/.exec(said)?.[1];
    if (page !== undefined) {
      const browser = openBrowser();
      let seen = await browser.open(page);
      for (let pages = 0; pages < 4 && seen.text.includes('<form'); pages += 1) seen = await browser.press(seen, press);
    }
    const [code] = await ended;
    return { code: Number(code), said, data, isKept: existsSync(join(folder, 'profiles', 'default.json')) };
  }

  it('says that nobody is signed in where the person pressed no, and what to do, which is not to set a token', async () => {
    const refused = await login({ abort: 'yes' });
    expect(refused).toMatchObject({ code: 4, data: '', isKept: false });
    expect(refused.said).toMatch(/refused, or nobody confirmed it in time[\s\S]*estop login/);
    expect(refused.said).not.toContain('ESTOP_TOKEN');
    const seen = async () => (await auditTrail(rig.deps.store, { kind: 'attempt.refused' }, 10)).items;
    await expect
      .poll(seen, { timeout: 20_000 })
      .toMatchObject([{ method: 'device', subject: 'sign-in', detail: { because: 'not-confirmed' } }]);
  }, 40_000);

  it('shows nothing of what a provider calls somebody that a terminal would obey', async () => {
    const sub = 'olga\u001b[2J\u009b31m\u202e';
    await steer({ person: { sub, email: 'x', email_verified: false, groups: ['sre'] } });
    const { code, data, said } = await login({ confirm: 'yes' });
    expect([code, data.startsWith('signed in as sub:olga')]).toEqual([0, true]);
    expect(data + said).not.toMatch(/[\u001b\u009b\u202e]/);
    expect((await auditTrail(rig.deps.store, { kind: 'sign-in.begun' }, 10)).items).toMatchObject([
      { actor: `sub:${sub}`, method: 'device', after: { mandates: [{ role: 'operator' }] } },
    ]);
  }, 40_000);

  it('nor of what a control says that is not ours, and waits no longer than it was told', async () => {
    const lies = {
      handle: 'x',
      userCode: 'A\u001b]52;c;aGk=\u0007B',
      verificationUri: 'https://id.example.org/\u001b[1A\r',
      everyMs: 'soon',
      expiresAt: new Date(Date.now() + 1_500).toISOString(),
    };
    let polls = 0;
    const server = createServer((asked, answer) => {
      polls += asked.url === '/sign-in/terminal/poll' ? 1 : 0;
      answer.end(JSON.stringify(asked.url === '/sign-in/terminal' ? lies : { state: 'waiting' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const { code, said, isKept } = await login({}, `http://127.0.0.1:${port}`);
    expect(said.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect([code, isKept, polls < 5]).toEqual([4, false, true]);
    expect(said).toContain('nobody confirmed it in time');
  }, 40_000);
});
