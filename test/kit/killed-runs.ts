import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { endOrphans } from '../../src/runtime/local/child-process.ts';
import { acquireExclusiveFile } from '../../src/runtime/local/exclusive-file.ts';

const hourMs = 60 * 60 * 1000;

/** A run that was killed leaves its servers and its folder behind; the next one ends and removes them. */
export async function sweepKilledRuns(parent: string, prefix: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    if (name.startsWith(prefix)) await sweep(join(parent, name));
  }
}

async function sweep(folder: string): Promise<void> {
  try {
    const lockPath = join(folder, 'lock');
    // A run that starts at this moment has its folder but not yet its lock.
    if (statSync(lockPath, { throwIfNoEntry: false }) === undefined && Date.now() - statSync(folder).mtimeMs < hourMs)
      return;
    const lock = acquireExclusiveFile(lockPath);
    if (lock.kind === 'held') return;
    await endOrphans(folder);
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's, or swept by another run at the same time: not ours to insist.
  }
}
