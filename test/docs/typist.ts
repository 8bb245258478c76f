import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { tempFolder } from '../kit/temp-folder.ts';

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** A line that goes on until Ctrl-C. */
export interface GoingOn {
  output(): string;
  hasEnded(): boolean;
  /** How it ended. */
  interrupt(): Promise<readonly [code: number | null, signal: string | null]>;
  /** Its terminal is closed: nobody reads it any more, and it is told. */
  hangUp(): Promise<readonly [code: number | null, signal: string | null]>;
}

/** Somebody at a terminal, in a folder as a newcomer has it: estop.yaml and policies of the project, and nothing that was ever run there. */
export interface Typist {
  readonly folder: string;
  type(line: string): Promise<Ran>;
  /** In a terminal, where a question is asked and answered: yes, or the name that it wants typed. */
  typeAndAnswer(line: string): Promise<Ran>;
  start(line: string): GoingOn;
  /** Ends what still goes on. */
  leave(): Promise<void>;
}

export function sitDown(): Typist {
  const folder = tempFolder();
  copyFileSync(join(packageRoot, 'estop.yaml'), join(folder, 'estop.yaml'));
  cpSync(join(packageRoot, 'policies'), join(folder, 'policies'), { recursive: true });
  const env = { ...process.env, PATH: makePath(folder), NO_COLOR: '1' };
  const running = new Set<ChildProcess>();
  const run = (program: string, words: readonly string[], hear: (text: string, child: ChildProcess) => void) => {
    const child = spawn(program, words, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
    running.add(child);
    child.stdin.on('error', () => undefined);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => hear(text, child));
    const ended = new Promise<readonly [number | null, string | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve([code, signal]);
      });
    });
    return { child, ended };
  };
  return {
    folder,
    type: async (line) => {
      let output = '';
      const { child, ended } = run('sh', ['-c', line], (text) => (output += text));
      child.stdin.end();
      return { code: (await ended)[0], output };
    },
    typeAndAnswer: async (line) => {
      let output = '';
      let answered = false;
      const { ended } = run('script', ['-qec', line, '/dev/null'], (text, child) => {
        output += text;
        const [, name] = /Type (\S+) to go on: /.exec(output) ?? [];
        if (answered || (name === undefined && !output.includes('[y/N] '))) return;
        answered = true;
        child.stdin?.write(`${name ?? 'y'}\n`);
      });
      return { code: (await ended)[0], output };
    },
    start: (line) => {
      let output = '';
      const { child, ended } = run('sh', ['-c', `exec ${line}`], (text) => (output += text));
      return {
        output: () => output,
        hasEnded: () => !running.has(child),
        interrupt: () => {
          child.kill('SIGINT');
          return ended;
        },
        hangUp: () => {
          for (const stream of [child.stdout, child.stderr]) stream?.destroy();
          child.kill('SIGHUP');
          return ended;
        },
      };
    },
    leave: async () => {
      const ends = [...running].map((child) => once(child, 'exit'));
      for (const child of running) child.kill('SIGTERM');
      await Promise.all(ends);
    },
  };
}

/** `estop`, and `npx` as it would find estop here, without the second that npm takes to start. */
function makePath(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const launcher = `exec '${process.execPath}' '${join(packageRoot, 'bin', 'estop.js')}' "$@"`;
  const programs = { estop: launcher, npx: `[ "$1" = estop ] || exit 64\nshift\n${launcher}` };
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return [bin, process.env['PATH'] ?? ''].join(delimiter);
}

/** `estop dev`, up. */
export async function startDev(typist: Typist, line: string): Promise<GoingOn> {
  const dev = typist.start(line);
  await expect.poll(() => dev.hasEnded() || dev.output().includes('Ctrl-C ends it'), { timeout: 60_000 }).toBe(true);
  expect(dev.output()).toContain('Ctrl-C ends it');
  return dev;
}

const kinds = ['task', 'stop', 'appr', 'api'] as const;

/**
 * What an id on a page stands for (`<stop>`, or `stop_prod_..` as it is printed): the newest task or stop that was printed before; of the
 * approvals that were listed the first, then the second, since each is decided once.
 */
export function createIds(): { hear(output: string): void; fillIn(line: string): string } {
  const known: Record<(typeof kinds)[number], string[]> = { task: [], stop: [], appr: [], api: [] };
  let decided = 0;
  return {
    hear: (output) => {
      for (const kind of kinds)
        for (const [id] of output.matchAll(new RegExp(`\\b${kind}_dev_[0-9a-z]{26}\\b`, 'g')))
          known[kind] = kind === 'appr' && known.appr.includes(id) ? known.appr : [...known[kind], id];
    },
    fillIn: (line) =>
      line.replaceAll(
        /<(task|stop)>|\b(task|stop|appr|api)_(?:prod|dev)_01h2xcejqtf2nbrexx3vqjhp41\b/g,
        (_all, open?: 'task' | 'stop', whole?: (typeof kinds)[number]) => {
          const kind = open ?? whole ?? 'task';
          if (kind !== 'appr') return known[kind].at(-1) ?? '';
          decided += 1;
          return known.appr[decided - 1] ?? '';
        },
      ),
  };
}
