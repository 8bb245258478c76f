import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { addAccessToken } from '../../src/runtime/keys/access-tokens.ts';
import { ensureKeys } from '../../src/runtime/keys/key-ring.ts';
import { freePort } from '../../src/runtime/local/free-port.ts';
import { sourceRoot } from '../../src/runtime/package-root.ts';
import { createDatabase } from '../kit/postgres.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { until } from '../revocation/rig.ts';
import { type Ledger, makeLedger, newId } from '../store/ledger.ts';

export interface StopProgram {
  readonly port: number;
  readonly ledger: Ledger;
  /** Runs it, in the place of the one before, and waits until it takes orders. */
  start(): Promise<ChildProcess>;
  /** What it answers; undefined where it gave no answer. */
  send(order: { readonly stopId: string; readonly scopeKey: string }): Promise<object | undefined>;
  order(scopeKey: string): { readonly stopId: string; readonly scopeKey: string };
}

/** The stop process as it really runs, over a store of its own, with no Temporal to go to. */
export async function makeStopProgram(
  log: number | 'pipe' | 'ignore' = 'ignore',
  { openFiles }: { readonly openFiles?: number } = {},
): Promise<StopProgram> {
  const [ledger, port, folder] = [await makeLedger(createDatabase), await freePort(), tempFolder()];
  ensureKeys(join(folder, 'keys'), 'test');
  const token = addAccessToken(join(folder, 'tokens.json'), 'test', 'olga', ['operator']);
  const at = `http://127.0.0.1:${port}`;
  const headers = { 'authorization': `Bearer ${token}`, 'content-type': 'application/json' };
  return {
    ledger,
    port,
    start: async () => {
      const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles} && `;
      const child = spawn('sh', ['-c', `${limit}exec "$0" "$1"`, process.execPath, join(sourceRoot, 'stop/main.ts')], {
        stdio: ['ignore', log, log],
        env: {
          ...process.env,
          ESTOP_ENVIRONMENT: 'test',
          ESTOP_STATE: folder,
          ESTOP_DATABASE_URL: ledger.urls.estop_stop,
          ESTOP_TEMPORAL_ADDRESS: '127.0.0.1:9',
          ESTOP_STOP_PORT: String(port),
        },
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      await until(async () => child.exitCode !== null || (await fetch(`${at}/livez`).catch(() => undefined))?.ok);
      expect(child.exitCode).toBe(null);
      return child;
    },
    send: async (order) => {
      const signal = AbortSignal.timeout(30_000);
      const init = { method: 'POST', headers, body: JSON.stringify(order), signal };
      try {
        return (await (await fetch(`${at}/v1/stops`, init)).json()) as object;
      } catch {
        return undefined;
      }
    },
    order: (scopeKey) => ({ stopId: newId('stop'), scopeKey }),
  };
}
