import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { addAccessToken } from '../../src/runtime/keys/access-tokens.ts';
import { ensureKeys } from '../../src/runtime/keys/key-ring.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { sourceRoot } from '../../src/runtime/package-root.ts';
import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { until } from '../revocation/rig.ts';
import { makeLedger, newId } from '../store/ledger.ts';

it('the stop process goes on although the disk that its log is on is full', async () => {
  const [ledger, port, folder] = [await makeLedger(createDatabase), await freePort(), tempFolder()];
  ensureKeys(join(folder, 'keys'), 'test');
  const token = addAccessToken(join(folder, 'tokens.json'), 'test', 'olga', ['operator']);
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [join(sourceRoot, 'stop/main.ts')], {
    stdio: ['ignore', full, full],
    env: {
      ...process.env,
      ESTOP_ENVIRONMENT: 'test',
      ESTOP_STATE: folder,
      ESTOP_DATABASE_URL: ledger.urls.estop_stop,
      // Nobody is there, which is a warning in the log.
      ESTOP_TEMPORAL_ADDRESS: '127.0.0.1:9',
      ESTOP_STOP_PORT: String(port),
    },
  });
  closeSync(full);
  onTestFinished(() => void child.kill('SIGKILL'));
  const at = `http://127.0.0.1:${port}`;
  await until(async () => child.exitCode !== null || (await fetch(`${at}/livez`).catch(() => undefined))?.ok);
  for (const scopeKey of ['agent:first', 'agent:second']) {
    const stopId = newId('stop');
    const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ stopId, scopeKey });
    const answer = await until(async () => {
      const response = await fetch(`${at}/v1/stops`, { method: 'POST', headers, body });
      return (await response.json()) as object;
    });
    expect(answer).toMatchObject({ state: expect.stringMatching(/latched|accepted/), stopId });
    await until(async () => (await ledger.sql('SELECT 1 FROM estop.stops WHERE stop_id = $1', [stopId])).length === 1);
  }
  expect([child.exitCode, child.signalCode]).toEqual([null, null]);
});
