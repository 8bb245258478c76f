import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EstopError } from '../../core/errors.ts';
import { identifyProcess, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface Postmaster {
  readonly process: ProcessIdentity;
  readonly port: number;
}

/**
 * The server that runs on this data folder, by its own pid file. The file may be a leftover and its pid another program's by
 * now, so the process must stand in this very folder, as a postmaster does. We never delete the file: PostgreSQL alone can
 * tell when that is safe.
 */
export function findPostmaster(dataFolder: string): Postmaster | undefined {
  let lines: readonly string[];
  try {
    lines = readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const identity = identifyProcess(Number.parseInt(lines[0] ?? '', 10));
  const port = Number.parseInt(lines[3] ?? '', 10);
  if (identity === undefined || !standsIn(identity.pid, dataFolder)) return undefined;
  return { process: identity, port };
}

/** SIGINT is PostgreSQL's fast shutdown: it rolls back, writes a checkpoint and removes its pid file. */
export async function shutDown(postmaster: Postmaster, deadlineMs: number): Promise<void> {
  const giveUpAt = Date.now() + deadlineMs;
  process.kill(postmaster.process.pid, 'SIGINT');
  while (isAlive(postmaster.process)) {
    if (Date.now() > giveUpAt) {
      throw new EstopError('part-failed', {
        detail: `A PostgreSQL from an earlier run (process ${postmaster.process.pid}) does not end.`,
      });
    }
    await sleep(20);
  }
}

function standsIn(pid: number, folder: string): boolean {
  // Elsewhere there is no way to ask without more tools; the pid file, with a process behind it, has to do.
  if (process.platform !== 'linux') return true;
  try {
    const there = statSync(`/proc/${pid}/cwd`);
    const here = statSync(folder);
    return there.dev === here.dev && there.ino === here.ino;
  } catch {
    return false;
  }
}
