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

/** The stop process as it really runs, with its log on what it cannot write to. */
async function startWithLog(log: number | 'pipe') {
  const [ledger, port, folder] = [await makeLedger(createDatabase), await freePort(), tempFolder()];
  ensureKeys(join(folder, 'keys'), 'test');
  const token = addAccessToken(join(folder, 'tokens.json'), 'test', 'olga', ['operator']);
  const child = spawn(process.execPath, [join(sourceRoot, 'stop/main.ts')], {
    stdio: ['ignore', log, log],
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
  onTestFinished(() => void child.kill('SIGKILL'));
  const at = `http://127.0.0.1:${port}`;
  await until(async () => child.exitCode !== null || (await fetch(`${at}/livez`).catch(() => undefined))?.ok);
  const send = async (scopeKey: string): Promise<string> => {
    const stopId = newId('stop');
    const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ stopId, scopeKey });
    const response = await fetch(`${at}/v1/stops`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(30_000),
    });
    expect(await response.json()).toMatchObject({ state: expect.stringMatching(/latched|accepted/), stopId });
    return stopId;
  };
  const untilLatched = async (stopIds: readonly string[]): Promise<void> => {
    const latched = 'SELECT 1 FROM estop.stops WHERE stop_id = ANY ($1)';
    await until(async () => (await ledger.sql(latched, [stopIds])).length === stopIds.length);
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
  };
  return { send, untilLatched };
}

it('the stop process goes on although the disk that its log is on is full', async () => {
  const full = openSync('/dev/full', 'w');
  const { send, untilLatched } = await startWithLog(full);
  closeSync(full);
  await untilLatched([await send('agent:first'), await send('agent:second')]);
});

it('the stop process goes on although nobody reads its log any more, and the pipe to it is full', async () => {
  const { send, untilLatched } = await startWithLog('pipe');
  const stopIds: string[] = [];
  // Much more than a pipe and the lines that wait for it hold.
  for (let round = 0; round < 40; round += 1)
    stopIds.push(...(await Promise.all(Array.from({ length: 25 }, () => send('agent:noisy')))));
  await untilLatched(stopIds);
});
