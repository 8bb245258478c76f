import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll } from 'vitest';

/** A program of its own process, as the tests of what happens when a process is killed need it. */
export interface Program {
  readonly pid: number;
  readonly exited: Promise<{
    readonly code: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stderr: string;
  }>;
  /** What it has said on standard error so far. */
  stderr(): string;
  /** The next line it prints, parsed as JSON. */
  next(): Promise<Record<string, unknown>>;
  /** Sends the signal and waits for the end. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const running = new Set<Program>();

afterAll(async () => {
  await Promise.all([...running].map((program) => program.kill('SIGKILL')));
});

/** Runs a TypeScript file with the Node that runs the tests. */
export function runProgram(
  file: string,
  args: readonly string[] = [],
  options: { readonly uid?: number; readonly gid?: number; readonly env?: NodeJS.ProcessEnv } = {},
): Program {
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: process.env,
    ...options,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const exited = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode, stderr }));
  const program: Program = {
    pid: child.pid ?? 0,
    exited,
    stderr: () => stderr,
    next: async () => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${file} ended without a further line: ${(await exited).stderr}`);
      return JSON.parse(value);
    },
    kill: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
  running.add(program);
  void exited.then(() => running.delete(program));
  return program;
}
