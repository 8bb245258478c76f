import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../../src/runtime/package-root.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { blocksOf, readPage } from './documents.ts';

/** As a newcomer has it: estop.yaml and policies of the project, and nothing that was ever run here. */
let folder: string;
let path: string;
let dev: ChildProcess | undefined;
let devSaid = '';

const lines = blocksOf(readPage('README.md'))
  .filter(({ language, isMarked }) => language === 'sh' && !isMarked)
  .flatMap(({ text }) => text.split('\n'))
  // What installs, builds, demonstrates and tests is what this test itself stands on, or has a test of its own (test/e2e/demo.test.ts).
  .filter((line) => !line.startsWith('npm '));

/** `npx` as it would find estop here, without the second that npm takes to start. */
function makePath(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const npx = join(bin, 'npx');
  const launcher = join(packageRoot, 'bin', 'estop.js');
  writeFileSync(npx, `#!/bin/sh\n[ "$1" = estop ] || exit 64\nshift\nexec '${process.execPath}' '${launcher}' "$@"\n`);
  chmodSync(npx, 0o755);
  return [bin, process.env['PATH'] ?? ''].join(delimiter);
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

function type(line: string): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', line], {
      cwd: folder,
      env: { ...process.env, PATH: path, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

async function startDev(line: string): Promise<void> {
  const child = spawn('sh', ['-c', `exec ${line}`], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  dev = child;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    devSaid += text;
  });
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', () => devSaid.includes('Ctrl-C ends it') && resolve());
    child.once('exit', () => reject(new Error(`estop dev has ended: ${devSaid}`)));
  });
}

/** Ctrl-C, and once more by somebody impatient: how it ended. */
async function interruptTwice(): Promise<readonly [code: number | null, signal: string | null]> {
  const child = dev;
  if (child === undefined) throw new Error('nothing runs');
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await expect.poll(() => devSaid, { timeout: 20_000 }).toContain('ending ..');
  child.kill('SIGINT');
  return (await ended) as [number | null, string | null]; // as Node tells of an exit
}

/** `<task>` and `<stop>` are the ids that were printed last. */
const filledIn = (line: string, said: string): string =>
  line.replaceAll(
    /<(task|stop)>/g,
    (_all, kind: string) => said.match(new RegExp(`${kind}_dev_\\w+`, 'g'))?.at(-1) ?? '',
  );

requires('temporal')('the README, typed into a fresh folder', () => {
  // Once more from the beginning where the machine was too crowded the first time.
  beforeEach(() => {
    devSaid = '';
    folder = tempFolder();
    copyFileSync(join(packageRoot, 'estop.yaml'), join(folder, 'estop.yaml'));
    cpSync(join(packageRoot, 'policies'), join(folder, 'policies'), { recursive: true });
    path = makePath();
  });
  afterEach(async () => {
    if (dev === undefined || dev.exitCode !== null) return;
    const ended = new Promise((resolve) => dev?.once('exit', resolve));
    dev.kill('SIGTERM');
    await ended;
  });

  it('every command does what the comment beside it says, in the order in which they stand', async () => {
    const wrong: string[] = [];
    let said = '';
    const seen = new Map<string, string>();
    for (const written of lines) {
      const line = filledIn(written, said);
      if (line.startsWith('npx estop dev')) {
        await startDev(line);
        continue;
      }
      const { code, output } = await type(line);
      said += output;
      seen.set(written.replace(/\s*#.*/, ''), output);
      if (/# refused/.test(written) ? code === 0 || !/stop/.test(output) : code !== 0)
        wrong.push(`${line}: exit code ${code}\n${output}`);
    }
    expect(wrong).toEqual([]);
    expect(lines.length).toBeGreaterThan(12);
    expect(seen.get("npx estop stop agent example-bot --reason 'trying it out'")).toMatch(
      /latched[\s\S]*fenced[\s\S]*halted[\s\S]*proved/,
    );
    expect(seen.get('npx estop stop show <stop>')).toContain('trying it out');
    expect(existsSync(join(folder, '.estop', 'connection.json'))).toBe(true);
    // The link opens a page with one button.
    const page = await fetch(/http:\S+/.exec(seen.get('npx estop console') ?? '')?.[0] ?? '');
    expect([page.status, await page.text()]).toEqual([
      200,
      expect.stringMatching(/<form method="post"><button>Sign in as/),
    ]);
    expect(await interruptTwice()).toEqual([0, null]);
    expect(devSaid).toContain('still ending');
  }, 180_000);
});
