import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConnectionProfile } from '../src/runtime/installation/connection-profile.ts';
import { type ProcessName, processNames } from '../src/runtime/installation/installation.ts';
import { readChildRecord } from '../src/runtime/local/child-record.ts';
import { type PostgresServer, startPostgres } from '../src/runtime/local/postgres-server.ts';
import { sourceExtension, sourceRoot } from '../src/runtime/package-root.ts';

type PartName = ProcessName | 'temporal' | 'store';

/** `estop dev` as anybody runs it, in a process of its own, with a configuration of the bench. */
export interface Dev {
  readonly pid: number;
  readonly profile: ConnectionProfile;
  readonly stateFolder: string;
  readonly postgres: PostgresServer;
  /** Of the one that runs now: one that was killed is started again under another. */
  pidOf(name: PartName): number;
  stop(): Promise<void>;
}

export const partNames: readonly PartName[] = [...processNames, 'temporal', 'store'];

export async function startDev(folder: string, env: Readonly<Record<string, string>>): Promise<Dev> {
  const child = spawn(process.execPath, [join(sourceRoot, `cli/main${sourceExtension}`), 'dev'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ESTOP_STATE: '.estop', ...env },
  });
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stateFolder = join(folder, '.estop');
  const stop = async (): Promise<void> => {
    end();
    await ended;
    process.removeListener('exit', end);
  };
  try {
    await untilUp(child.stderr);
    const profile = JSON.parse(readFileSync(join(stateFolder, 'connection.json'), 'utf8')) as ConnectionProfile; // it was written by estop, just now
    return {
      pid: child.pid ?? 0,
      profile,
      stateFolder,
      // It runs: this is how one that runs is found, with how to speak to it.
      postgres: await startPostgres({ folder: stateFolder, name: 'store', settings: { max_connections: 120 } }),
      pidOf: (name) => readChildRecord(stateFolder, name)?.child.pid ?? 0,
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

async function untilUp(output: NodeJS.ReadableStream): Promise<void> {
  const said: string[] = [];
  for await (const line of createInterface(output)) {
    said.push(line);
    if (line.startsWith('estop is up')) return void output.resume();
  }
  throw new Error(`\`estop dev\` ended before it was up: ${said.slice(-5).join(' / ')}`);
}
