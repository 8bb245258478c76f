import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { judgeCertificate } from '../../src/cli/doctor/examine.ts';
import { certificateAt } from '../../src/cli/doctor/knock.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { deadUrl, mainPath, runProgram } from './rig.ts';

const dayMs = 86_400_000;

/** A server with a certificate that is good for so many days, begun now. */
async function serving(
  days: number,
): Promise<{ readonly port: number; readonly cert: string; readonly folder: string }> {
  const folder = tempFolder();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const asked = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -addext subjectAltName=DNS:localhost -days ${days} -keyout ${key} -out ${cert}`;
  execFileSync('openssl', asked.split(' '), { stdio: 'ignore' });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) =>
    response.end('{}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, cert, folder }; // it listens on TCP
}

requires('openssl')('estop doctor and certificates', () => {
  it.each([
    [1, 0, 'weak', /good for 23 more hours$/],
    [5, 0, 'weak', /good for 4 more days$/],
    [300, 0, 'ok', /good for 299 more days$/],
    [5, 5.5 * dayMs, 'bad', /: ended \S+Z; the clock of this machine says \S+Z$/],
    // Whoever trusts the clock would take such a certificate for a wrong one, and the other way round: both are named.
    [300, -600_000, 'bad', /: good from \S+Z; the clock of this machine says \S+Z$/],
  ])('of %i days, with a clock that is off by %d ms: %s', async (days, offMs, health, says) => {
    const { port } = await serving(days);
    const shown = await certificateAt('127.0.0.1', port);
    const found = judgeCertificate('estop.example.org:443', shown, Date.now() + 1_000 + offMs);
    expect(found).toMatchObject({ part: 'certificates', health, says: expect.stringMatching(says) });
    expect(found.means).toEqual(health === 'ok' ? undefined : expect.stringMatching(/renew/));
  });

  it('knows nothing of one that is not shown', async () => {
    expect(judgeCertificate('x:1', await certificateAt('127.0.0.1', 1), Date.now()).health).toBe('unknown');
  });

  it.each([
    ['by an address', '127.0.0.1', false, /BAD {3}stop .*this machine trusts nobody who signed its certificate/],
    ['by a name that is not in it', '127.0.0.1', true, /BAD {3}stop .*its certificate is for another name/],
    ['by its name', 'localhost', true, /^weak {2}certificates {3}localhost:\d+: good for 4 more days$/m],
  ])(
    'says of a server reached %s what is in the way, in words, and nothing of its own between the lines',
    async (_how, host, isTrusted, says) => {
      const { port, cert, folder } = await serving(5);
      const dead = await deadUrl();
      const env = {
        ESTOP_CONTROL_URL: dead,
        ESTOP_GATEWAY_URL: dead,
        ESTOP_STOP_URL: `https://${host}:${port}`,
        ...(isTrusted ? { NODE_EXTRA_CA_CERTS: cert } : {}),
      };
      const ran = await runProgram([mainPath, 'doctor'], { cwd: folder, env });
      expect([ran.code, ran.stderr]).toEqual([1, '']);
      expect(ran.stdout).toMatch(says);
      expect(ran.stdout).not.toMatch(/SELF_SIGNED|ALTNAME|CERT_HAS/);
    },
  );
});
