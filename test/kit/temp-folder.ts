import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

// Registered where this module is loaded, at the top of a test file: runs after all its tests.
afterAll(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A new folder that goes with the test file. A run that was killed leaves it to the sweep of a later one. */
export function tempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'estop-test-'));
  made.push(path);
  return path;
}
