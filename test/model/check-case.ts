/** Runs one case: spin makes a verifier of the model, gcc compiles it, and the verifier searches, breadth-first where it can (shortest trail). */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCase } from './cases.ts';

export interface Verdict {
  readonly got: 'pass' | 'fail' | 'cut-off' | 'no-result';
  readonly states: string;
  readonly seconds: number;
  readonly why: string;
}

export interface Limits {
  readonly modelFolder: string;
  readonly outFolder: string;
  readonly seconds: number;
  readonly megabytes: number;
}

interface Finished {
  readonly code: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[], cwd: string, seconds: number): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** What pan printed. A search that was cut off proves nothing, whatever its error count says. */
export function readVerdict(output: string): Omit<Verdict, 'seconds'> {
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const states = /([\d.e+]+) states, stored/.exec(output)?.[1] ?? '?';
  const why = /pan:1: (.*)/.exec(output)?.[1] ?? '';
  if (errors === undefined) return { got: 'no-result', states, why };
  if (errors !== '0') return { got: 'fail', states, why };
  const cutOff = /truncated|max search depth too small|MEMLIM bound|out of memory|Search not completed/.test(output);
  return { got: cutOff ? 'cut-off' : 'pass', states, why };
}

export async function checkCase(one: ModelCase, limits: Limits): Promise<Verdict> {
  const folder = join(limits.outFolder, one.id.replaceAll(/[^A-Za-z0-9_=]+/g, '_'));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // A copy, because pan writes its trail next to the source it was made from.
  const source = `${one.model}.pml`;
  await copyFile(join(limits.modelFolder, source), join(folder, source));
  const defines = one.flags.map((flag) => `-D${flag}`);

  const spin = await run('spin', ['-a', ...defines, source], folder, 60);
  if (spin.code !== 0) throw new Error(`spin refused ${one.id}:\n${spin.output}`);
  const gcc = await run(
    'gcc',
    [
      '-w',
      `-O${one.effort}`,
      // A search into the depth keeps so few states in hand that those it has seen need not be packed, which is half its work.
      ...(one.deep ? [] : ['-DBFS', '-DCOLLAPSE']),
      '-DSAFETY',
      '-DNOFAIR',
      '-DVECTORSZ=2048',
      `-DMEMLIM=${limits.megabytes}`,
      '-o',
      'pan',
      'pan.c',
    ],
    folder,
    120,
  );
  if (gcc.code !== 0) throw new Error(`gcc refused ${one.id}:\n${gcc.output}`);

  const begun = performance.now();
  const pan = await run(
    join(folder, 'pan'),
    ['-m1000000', ...(one.deadlockIsError ? [] : ['-E'])],
    folder,
    limits.seconds,
  );
  await writeFile(join(folder, 'pan.log'), pan.output);
  const verdict = readVerdict(pan.output);
  if (verdict.got === 'fail') await writeTrail(folder, defines, source);
  return { ...verdict, seconds: (performance.now() - begun) / 1000 };
}

/** The counterexample in the words of the model's own printf lines, next to the verifier's log. */
async function writeTrail(folder: string, defines: readonly string[], source: string): Promise<void> {
  const { output } = await run('spin', ['-t', ...defines, source], folder, 60);
  await writeFile(join(folder, 'trail.txt'), output);
}
