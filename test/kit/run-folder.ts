import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sweepKilledRuns } from './killed-runs.ts';

const prefix = 'estop-test-';
/** Held in memory by a run at most, with room to spare. */
const needed = 4 * 1024 ** 3;
const inMemory = '/dev/shm';

/**
 * A new folder for what a run's servers write. In memory where there is enough of it: hundreds of databases come and go, each of some
 * three hundred files, and making and removing those on a disk costs as much as all that is done in them.
 */
export async function makeRunFolder(): Promise<string> {
  for (const parent of [tmpdir(), inMemory].filter((one) => existsSync(one))) await sweepKilledRuns(parent, prefix);
  return mkdtempSync(join(hasRoomInMemory() ? inMemory : tmpdir(), prefix));
}

function hasRoomInMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(inMemory);
    return bavail * bsize >= needed && process.availableMemory() >= 2 * needed;
  } catch {
    return false; // not every system has it
  }
}
