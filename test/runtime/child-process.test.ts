import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { errorCodeOf } from '../../src/core/errors.ts';
import { endOrphans, startChild } from '../../src/runtime/local/child-process.ts';
import { writeChildRecord } from '../../src/runtime/local/child-record.ts';
import { startNodeProcess } from '../../src/runtime/local/node-process.ts';
import { identifyProcess, thisProcess } from '../../src/runtime/local/process-identity.ts';
import { untilReady } from '../../src/runtime/local/readiness.ts';
import { type Program, runProgram } from '../kit/program.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const program = (name: string): string => join(import.meta.dirname, 'programs', name);
const runs = (pid: unknown): boolean => identifyProcess(Number(pid)) !== undefined;

describe('a child process', () => {
  it('writes to its log, ends when asked, and says how it ended', async () => {
    const stateFolder = tempFolder();
    const logFile = join(stateFolder, 'own.log');
    const child = await startNodeProcess({ name: 'own', main: program('child.ts'), stateFolder, logFile });
    await vi.waitFor(() => expect(readFileSync(logFile, 'utf8')).toContain('up'));
    expect(await child.stop()).toEqual({ code: 0, signal: null });
    expect(readFileSync(logFile, 'utf8')).toContain('asked to end');
    expect(runs(child.pid)).toBe(false);
  });

  it('makes files that only their owner can read', async () => {
    const stateFolder = tempFolder();
    const child = await startChild({
      name: 'writer',
      command: 'touch',
      args: [join(stateFolder, 'file')],
      stateFolder,
      logFile: join(stateFolder, 'log'),
    });
    await child.exited;
    expect([statSync(join(stateFolder, 'file')).mode & 0o777, statSync(join(stateFolder, 'log')).mode & 0o777]).toEqual(
      [0o600, 0o600],
    );
  });

  it('is killed with all it started when it does not end in time', async () => {
    const stateFolder = tempFolder();
    const logFile = join(stateFolder, 'deaf.log');
    const script = 'trap "" TERM; sleep 600 & echo $!; while :; do wait; done';
    const child = await startChild({
      name: 'deaf',
      command: 'sh',
      args: ['-c', script],
      stateFolder,
      logFile,
      graceMs: 100,
    });
    const grandchild = await vi.waitFor(() => {
      const pid = Number.parseInt(readFileSync(logFile, 'utf8'), 10);
      expect(pid).toBeGreaterThan(1);
      return pid;
    });
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGKILL' });
    await vi.waitFor(() => expect(runs(grandchild)).toBe(false));
  });

  it('takes what it started with it when it ends by itself', async () => {
    const stateFolder = tempFolder();
    const logFile = join(stateFolder, 'brief.log');
    const child = await startChild({
      name: 'brief',
      command: 'sh',
      args: ['-c', 'sleep 600 & echo $!'],
      stateFolder,
      logFile,
    });
    expect(await child.exited).toEqual({ code: 0, signal: null });
    await vi.waitFor(() => expect(runs(readFileSync(logFile, 'utf8'))).toBe(false));
  });

  it('that cannot be started is named', async () => {
    const stateFolder = tempFolder();
    const start = startChild({
      name: 'nothing',
      command: '/no/such/program',
      args: [],
      stateFolder,
      logFile: join(stateFolder, 'log'),
    });
    await expect(start).rejects.toThrow('nothing cannot be started: spawn /no/such/program ENOENT.');
  });

  it('that ends while starting is quoted', async () => {
    const stateFolder = tempFolder();
    const child = await startChild({
      name: 'grumpy',
      command: 'sh',
      args: ['-c', 'echo no database here; exit 1'],
      stateFolder,
      logFile: join(stateFolder, 'log'),
    });
    const ready = untilReady(child, 10_000, () => Promise.reject(new Error('not up')));
    await expect(ready).rejects.toThrow(/grumpy ended while starting; .* ends with:\nno database here$/);
  });
});

describe('children of a parent', () => {
  it('end with it when it exits without having stopped them', async () => {
    const parent = startParent(tempFolder());
    const pids = await parent.next();
    await parent.kill('SIGTERM');
    await vi.waitFor(() => expect([runs(pids['foreign']), runs(pids['own'])]).toEqual([false, false]), {
      timeout: 5_000,
    });
  });

  it('that was killed: our own end at once, the others are ended by the next start', async () => {
    const stateFolder = tempFolder();
    const parent = startParent(stateFolder);
    const pids = await parent.next();
    await parent.kill('SIGKILL');
    await vi.waitFor(() => expect(runs(pids['own'])).toBe(false), { timeout: 5_000 });
    expect(readFileSync(join(stateFolder, 'own.log'), 'utf8')).toContain('asked to end');
    expect(runs(pids['foreign'])).toBe(true);
    expect(await endOrphans(stateFolder)).toEqual(['foreign']);
    expect(runs(pids['foreign'])).toBe(false);
  });

  it('that was killed are ended before one of the same name is started', async () => {
    const stateFolder = tempFolder();
    const parent = startParent(stateFolder);
    const pids = await parent.next();
    await parent.kill('SIGKILL');
    const successor = await startChild({
      name: 'foreign',
      command: 'sleep',
      args: ['600'],
      stateFolder,
      logFile: join(stateFolder, 'log'),
    });
    expect(runs(pids['foreign'])).toBe(false);
    await successor.stop();
  });

  it('that lives are left alone, and not started twice', async () => {
    const stateFolder = tempFolder();
    const parent = startParent(stateFolder);
    const pids = await parent.next();
    expect(await endOrphans(stateFolder)).toEqual([]);
    expect(runs(pids['foreign'])).toBe(true);
    const twice = startChild({
      name: 'foreign',
      command: 'sleep',
      args: ['600'],
      stateFolder,
      logFile: join(stateFolder, 'log'),
    });
    await expect(twice).rejects.toSatisfy(
      (error) =>
        errorCodeOf(error) === 'part-failed' && String(error).includes(`already runs as process ${pids['foreign']}`),
    );
  });
});

describe('a record of a child', () => {
  it('whose pid another process has by now harms nobody', async () => {
    const stateFolder = tempFolder();
    const bystander = runProgram(program('hold-folder.ts'), [tempFolder()]);
    await bystander.next();
    const gone = { pid: 4_000_000, startedAt: 'long ago' };
    writeChildRecord(stateFolder, {
      name: 'old',
      child: { pid: bystander.pid, startedAt: 'long ago' },
      stopSignal: 'SIGTERM',
      fingerprint: '',
    });
    replaceParent(join(stateFolder, 'children', 'old.json'), gone);
    expect(await endOrphans(stateFolder)).toEqual([]);
    expect(runs(bystander.pid)).toBe(true);
  });

  it.each([
    ['no JSON', '{'],
    [
      'a pid that means a group of processes',
      JSON.stringify({
        name: 'x',
        child: { ...thisProcess(), pid: -1 },
        parent: { pid: 4_000_000, startedAt: 'x' },
        stopSignal: 'SIGTERM',
        fingerprint: '',
      }),
    ],
    [
      'a signal that is none',
      JSON.stringify({
        name: 'x',
        child: thisProcess(),
        parent: { pid: 4_000_000, startedAt: 'x' },
        stopSignal: 'SIGKILLALL',
        fingerprint: '',
      }),
    ],
  ])('that holds %s is ignored', async (_what, text) => {
    const stateFolder = tempFolder();
    await endOrphans(stateFolder);
    writeFileSync(join(stateFolder, 'children', 'x.json'), text);
    expect(await endOrphans(stateFolder)).toEqual([]);
  });
});

/** Its children end with the test, whatever became of it. */
function startParent(stateFolder: string): Program {
  const parent = runProgram(program('parent.ts'), [stateFolder]);
  onTestFinished(async () => {
    await parent.kill('SIGKILL');
    await endOrphans(stateFolder);
  });
  return parent;
}

function replaceParent(path: string, parent: { readonly pid: number; readonly startedAt: string }): void {
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), parent }));
}
