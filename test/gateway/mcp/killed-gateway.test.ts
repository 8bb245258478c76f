import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../../kit/program.ts';
import { tempFolder } from '../../kit/temp-folder.ts';
import { until } from '../rig.ts';

const programs = join(import.meta.dirname, 'programs');

const isRunning = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

it('tool servers end with a gateway that is killed, with all that they started, though they ignore the end of their input', async () => {
  const logPath = join(tempFolder(), 'stubborn.jsonl');
  const gateway = runProgram(join(programs, 'child-keeper.ts'), [join(programs, 'stubborn-server.ts'), logPath]);
  expect(await gateway.next()).toEqual({ started: true });
  const started = await until(() => {
    // Of the last line only half may be there.
    const lines = existsSync(logPath) ? readFileSync(logPath, 'utf8').split('\n').slice(0, -1) : [];
    const found = lines
      .map((line) => JSON.parse(line) as { readonly event?: string; readonly pid: number; readonly child?: number }) // written by the program
      .filter(({ event }) => event === 'grandchild')
      .flatMap(({ pid, child = 0 }) => [pid, child]);
    return found.length === 4 && found;
  });
  expect(started.map(isRunning)).toEqual([true, true, true, true]);
  await gateway.kill('SIGKILL');
  const begun = Date.now();
  // Long enough for whoever is to end them; what is still there then was forgotten.
  await until(() => !started.some(isRunning) || Date.now() - begun > 15_000);
  const left = started.filter(isRunning);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  expect(left).toEqual([]);
});
