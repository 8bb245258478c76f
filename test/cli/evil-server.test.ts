import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { buildAll } from '../../src/cli/completion/command-tree.ts';
import { runCli } from '../../src/cli/program.ts';
import { tempFolder } from '../kit/temp-folder.ts';
import { hostile, startEvilServer } from './evil-server.ts';
import { examplesOf, type Leaf, leavesOf, wordsIn } from './example-lines.ts';
import { runInTerminal } from './rig.ts';

/** These ask no server, or run one; and an export is handed to a file as it stands. */
const local = new Set(['dev', 'config validate', 'config init', 'keys rotate', 'completion', 'audit export']);
const every = leavesOf(await buildAll(commands)).filter(({ path }) => !local.has(path));

/** What acts on a terminal or hides; of a terminal's own, its line ends. */
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
/** Our own colours and drawing. */
const ours = /\u001b\[(?:[012]|22|3[1239])m|\u001b\[(?:2K|0J|\d+[FG]|H|2J)/g;

describe('a control that somebody else has taken over', () => {
  const folder = tempFolder();
  let evil: Awaited<ReturnType<typeof startEvilServer>>;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    evil = await startEvilServer();
    env = {
      ESTOP_CONTROL_URL: evil.url,
      ESTOP_STOP_URL: evil.url,
      ESTOP_GATEWAY_URL: evil.url,
      ESTOP_CONFIG_DIR: folder,
      ESTOP_TOKEN: `estop_dev_${'a'.repeat(43)}`,
    };
    writeFileSync(join(folder, 'value'), 'a secret value\n');
  });
  afterAll(() => evil.close());
  beforeEach(() => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  /** All that the command line writes, on either stream. */
  async function shownBy(words: readonly string[]): Promise<string> {
    let shown = '';
    for (const stream of [process.stdout, process.stderr])
      vi.spyOn(stream, 'write').mockImplementation((text, ...rest) => {
        shown += String(text);
        rest.forEach((done) => typeof done === 'function' && done());
        return true;
      });
    await runCli(words);
    vi.restoreAllMocks();
    return shown;
  }

  /** What a command needs beside its example, so that it asks nobody and ends by itself. */
  function wordsOf({ path, command }: Leaf): readonly string[] {
    const [line = path] = examplesOf({ path, command });
    const words = wordsIn(line)
      .filter((word) => !['--watch', '--direct', '--dry-run'].includes(word))
      .map((word) => (word.startsWith('https://') ? evil.url : word));
    const more: Readonly<Record<string, readonly string[]>> = {
      '--yes': ['--yes'],
      '--hash': ['--hash', 'x'],
      '--file': ['--file', join(folder, 'value')],
      '--wait': ['--wait=0s'],
    };
    return [...words, ...command.options.flatMap(({ long }) => more[long ?? ''] ?? [])];
  }

  it.each(every)('estop $path gives it no hand on the terminal', async (leaf) => {
    const words = wordsOf(leaf);
    for (const typed of [words, [...words, '--json']]) {
      const shown = (await shownBy(typed)).replaceAll(ours, '');
      expect([typed, shown === '', raw.exec(shown)?.[0]]).toEqual([typed, false, undefined]);
      // A line of the server's own would pass for one of ours.
      expect([typed, /^.{0,9}forged/m.exec(shown)?.[0]]).toEqual([typed, undefined]);
    }
  });

  it('what is asked before something is released is not written by it', async () => {
    const words = ['reset', 'stop_dev_01h2xcejqtf2nbrexx3vqjhp41', '--reason', 'x'];
    const { stdout } = await runInTerminal(words, { env, cwd: folder, input: 'no\r' });
    expect(stdout).toContain('to go on');
    expect(raw.exec(stdout.replaceAll(ours, '').replaceAll('\r', ''))?.[0]).toBeUndefined();
  });

  it('an export is shown on a terminal like everything else', async () => {
    const { stdout } = await runInTerminal(['audit', 'export', '--format', 'jsonl'], { env, cwd: folder });
    expect(stdout).toContain('forged');
    expect(raw.exec(stdout.replaceAll(ours, '').replaceAll('\r\n', '\n'))?.[0]).toBeUndefined();
  });

  it('JSON still says what it said', async () => {
    const shown = JSON.parse(await shownBy(['agents', '--json'])) as { items: { owner: string }[] };
    expect(shown.items[0]?.owner).toBe(hostile);
  });

  it('what is printed to be typed again stays one word of a shell', async () => {
    expect(await shownBy(['task', 'ls'])).toMatch(/More: add --cursor '.*'\n/);
  });
});
