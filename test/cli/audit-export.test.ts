import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appendAudit } from '../../src/store/audit.ts';
import { type CliRig, deadUrl, mainPath, makeCliRig } from './rig.ts';

const subject = 'tool:export/me';
const hostile = [
  '=HYPERLINK("http://evil.example";"x")',
  '+1',
  '@SUM(A1)',
  '\t=1',
  'a\r\nb,"c"',
  '\u202Egnp',
  '\u001b[31mred',
];

describe('estop audit export', () => {
  let rig: CliRig;
  beforeAll(async () => {
    rig = await makeCliRig();
    const control = rig.ledger.as('estop_control');
    for (let at = 0; at < 450; at += 1)
      await appendAudit(control, {
        kind: 'test.happened',
        actor: hostile[at % hostile.length] ?? '',
        subject,
        reason: `the ${at}th`,
        detail: { at },
      });
  });

  async function fromConsole(format: 'csv' | 'jsonl', token = rig.tokens.viewer): Promise<string> {
    const answer = await fetch(`${rig.control.url}/v1/audit/export?format=${format}&subject=${subject}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return answer.text();
  }

  it.each(['csv', 'jsonl'] as const)(
    'writes over all pages, as %s, the bytes that the console hands out',
    async (format) => {
      const ran = await rig.run(['audit', 'export', '--subject', subject, '--format', format], {
        env: { ESTOP_TOKEN: rig.tokens.viewer },
      });
      expect(ran.stderr).toMatch(
        /^450 events, newest first, from \S+ back to \S+\. Nothing that matches is left out\.\n$/,
      );
      expect(ran.code).toBe(0);
      expect(ran.stdout).toBe(await fromConsole(format));
      if (format === 'csv') expect(ran.stdout).not.toMatch(/[\t\u202e\u001b]|[^\r]\n/);
    },
  );

  it('is CSV if nothing else is said, of what the filter lets through', async () => {
    const none = await rig.run(['audit', 'export', '--actor', 'nobody']);
    expect(none).toMatchObject({
      code: 0,
      stdout: 'at,kind,actor,method,subject,reason,before,after,detail\r\n',
      stderr: 'Nothing matches.\n',
    });
    expect((await rig.run(['audit', 'export', '--kind', 'test.', '--until', '2020-01-01T00:00:00Z'])).stderr).toBe(
      'Nothing matches.\n',
    );
    expect((await rig.run(['audit', 'export', '--format', 'xls'])).code).toBe(2);
    expect((await rig.run(['audit', 'export', '--help'])).stdout).toMatch(/--subject[\s\S]*\$ estop audit export /);
  });

  it('says that it broke off, and goes on from there without a second head', async () => {
    const { url, cut } = await cutAfter(rig.control.url, 2);
    const words = ['audit', 'export', '--subject', subject];
    const broken = await rig.run([...words, '--control-url', url]);
    expect(cut()).toBe(true);
    expect(broken.code).toBe(7);
    expect(broken.stderr).toMatch(/Broken off after 400 events: this is not all\. To go on: add --cursor ([\w-]+)$/m);
    const [, cursor = ''] = /--cursor ([\w-]+)/.exec(broken.stderr) ?? [];
    const rest = await rig.run([...words, '--cursor', cursor]);
    expect(rest.stderr).toMatch(/^50 events/);
    expect(broken.stdout + rest.stdout).toBe(await fromConsole('csv'));
    const nothing = await rig.run([...words, '--control-url', await deadUrl()]);
    expect(nothing).toMatchObject({ code: 7, stdout: '' });
  });

  it('ends with an error where it could not be written, and with 3 where nobody read it to its end', async () => {
    expect(await end('full')).toBe(1);
    expect(await end('unread')).toBe(3);
  });

  function end(how: 'full' | 'unread'): Promise<number | null> {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [mainPath, 'audit', 'export', '--subject', subject], {
      cwd: rig.stateFolder,
      env: { PATH: process.env['PATH'] ?? '', HOME: rig.stateFolder, ...rig.env },
      stdio: ['ignore', how === 'full' ? full : 'pipe', 'ignore'],
    });
    closeSync(full);
    onTestFinished(() => void child.kill('SIGKILL'));
    child.stdout?.destroy();
    return new Promise((resolve) => child.once('exit', resolve));
  }
});

/** The real API, behind a door that hangs up after so many answers. */
async function cutAfter(target: string, answers: number): Promise<{ url: string; cut: () => boolean }> {
  let left = answers;
  let isCut = false;
  const server = createServer((asked, answer) => {
    left -= 1;
    if (left < 0) {
      isCut = true;
      return void asked.socket.destroy();
    }
    request(`${target}${asked.url ?? ''}`, { headers: asked.headers }, (real) => {
      answer.writeHead(real.statusCode ?? 502, real.headers);
      real.pipe(answer);
    }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 1}`,
    cut: () => isCut,
  };
}
