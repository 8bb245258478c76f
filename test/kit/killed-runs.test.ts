import { existsSync, mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identifyProcess } from '../../src/runtime/local/process-identity.ts';
import { sweepKilledRuns } from './killed-runs.ts';
import { runProgram } from './program.ts';
import { tempFolder } from './temp-folder.ts';

const parentProgram = join(import.meta.dirname, '..', 'runtime', 'programs', 'parent.ts');
const runs = (pid: unknown): boolean => identifyProcess(Number(pid)) !== undefined;

describe('what a killed test run left behind', () => {
  it('is ended and removed by the next one, and what a living run uses is not', async () => {
    const parent = tempFolder();
    const folder = join(parent, 'run-1');
    const program = runProgram(parentProgram, [folder]);
    const { foreign } = await program.next();
    await sweepKilledRuns(parent, 'run-');
    expect([existsSync(folder), runs(foreign)]).toEqual([true, true]);

    await program.kill('SIGKILL');
    await sweepKilledRuns(parent, 'run-');
    expect([existsSync(folder), runs(foreign)]).toEqual([false, false]);
  });

  it('is not mistaken for a run that starts at this moment', async () => {
    const parent = tempFolder();
    const [fresh, old, foreign] = ['run-fresh', 'run-old', 'other'].map((name) => join(parent, name)) as [
      string,
      string,
      string,
    ];
    for (const folder of [fresh, old, foreign]) mkdirSync(folder);
    const hoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    for (const folder of [old, foreign]) utimesSync(folder, hoursAgo, hoursAgo);
    await sweepKilledRuns(parent, 'run-');
    expect([fresh, old, foreign].map((folder) => existsSync(folder))).toEqual([true, false, true]);
  });
});
