import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { type SupervisedProcess, superviseProcess } from '../../src/runtime/installation/supervised-process.ts';
import { endOrphans } from '../../src/runtime/local/child-process.ts';
import { identifyProcess } from '../../src/runtime/local/process-identity.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const main = join(import.meta.dirname, 'programs', 'child.ts');
const runs = (pid: number): boolean => identifyProcess(pid) !== undefined;

async function supervised(stateFolder: string, said: string[]): Promise<SupervisedProcess> {
  const logs = join(stateFolder, 'logs');
  mkdirSync(logs);
  const plan = { name: 'child', main, env: {}, stateFolder, logFile: join(logs, 'child.log') };
  const one = await superviseProcess(plan, true, (line) => void said.push(line));
  onTestFinished(() => one.stop());
  return one;
}

// What a full disk does to it: nothing can be written for a while.
it.each([
  ['log', 'logs'],
  ['record', 'children'],
])('a process that cannot be started again for want of its %s is tried on, and started once', async (_what, folder) => {
  const stateFolder = tempFolder();
  const said: string[] = [];
  const one = await supervised(stateFolder, said);
  const first = one.pid();
  const [path, away] = [join(stateFolder, folder), join(stateFolder, 'away')];
  renameSync(path, away);
  writeFileSync(path, '');
  process.kill(first, 'SIGKILL');
  await vi.waitFor(() => expect(said.join('\n')).toContain('child cannot be started again'), { timeout: 10_000 });
  renameSync(path, join(stateFolder, 'full'));
  renameSync(away, path);
  await vi.waitFor(() => expect([one.pid() !== first, runs(one.pid())]).toEqual([true, true]), { timeout: 10_000 });
  expect(said.filter((line) => line.includes('cannot be started again'))).toHaveLength(1);
  await one.stop();
  expect(readdirSync(join(stateFolder, 'children'))).toEqual([]);
  expect(await endOrphans(stateFolder)).toEqual([]);
});
