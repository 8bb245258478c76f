import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
  const stateFolder = join(folder, '.estop');
  const logPath = join(folder, 'dev.log');
  const log = openSync(logPath, 'a');
  // In a group of its own: what ends us with the whole group must not reach it as well, and a second signal would kill it over its
  // servers. To a file: it still says what it does when we are gone.
  const child = spawn(process.execPath, [join(sourceRoot, `cli/main${sourceExtension}`), 'dev'], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ESTOP_STATE: stateFolder, ...env },
  });
  closeSync(log);
  const end = (): void => void child.kill('SIGTERM');
  process.once('exit', end);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    process.removeListener('exit', end);
    end();
    await ended;
  };
  try {
    // Written once everything is up.
    const profilePath = join(stateFolder, 'connection.json');
    while (!existsSync(profilePath)) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`\`estop dev\` ended before it was up: ${readFileSync(logPath, 'utf8')}`);
      await sleep(50);
    }
    return {
      pid: child.pid ?? 0,
      profile: JSON.parse(readFileSync(profilePath, 'utf8')) as ConnectionProfile, // renamed into its place by estop, just now
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
