import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { offersOf } from '../../src/cli/completion/command-tree.ts';
import { completionScript, type Shell } from '../../src/cli/completion/scripts.ts';
import { createProgram } from '../../src/cli/program.ts';
import { requires } from '../kit/requires.ts';
import { tempFolder } from '../kit/temp-folder.ts';

const folder = tempFolder();
const hostile = ['$(touch owned)', '`touch owned`', 'a;touch owned', 'a b', '*', '--yes', '~', '{a,b}', 'x\u001b[31m'];

/** Says its arguments, a word that is one of ours, and much that a shell could be made to run. */
function estopOnPath(): string {
  const bin = tempFolder();
  writeFileSync(
    join(bin, 'estop'),
    `#!/bin/sh\necho "$@" | tr " " "\\n"\ncat <<'END'\n${hostile.join('\n')}\nbilling-bot\nEND\n`,
  );
  chmodSync(join(bin, 'estop'), 0o755);
  return `${bin}:${process.env['PATH'] ?? ''}`;
}

/** As zsh's own compadd and compset are called by what completes a line; they themselves speak to a terminal alone. */
const ofZsh = `
compdef() { : }
compadd() { shift; print -l -- "$@" }
compset() { words[CURRENT]=\${words[CURRENT]#*=} }
source "$1"; shift
words=("$@"); CURRENT=$#; _estop`;

const asked: Record<'zsh' | 'fish', (script: string, line: string) => readonly string[]> = {
  zsh: (script, line) => ['-f', '-c', ofZsh, 'zsh', script, ...line.split(' ')],
  fish: (script, line) => [
    '--no-config',
    '-c',
    'source $argv[1]; complete -C $argv[2] | string replace -r "\\t.*" ""',
    script,
    line,
  ],
};

/** What the shell itself would offer, of what begins as the last word does. */
function offered(shell: 'zsh' | 'fish', line: string): readonly string[] {
  const env = { HOME: folder, PATH: estopOnPath() };
  const done = spawnSync(shell, asked[shell](join(folder, shell), line), { encoding: 'utf8', env, cwd: folder });
  expect(done.stderr).toBe('');
  const words = done.stdout.split('\n').filter(Boolean);
  const last = line.split(' ').at(-1) ?? '';
  const typed = shell === 'zsh' && last.startsWith('--') && last.includes('=') ? last.replace(/^[^=]*=/, '') : last;
  return words.filter((word) => word.startsWith(typed)).toSorted();
}

for (const shell of ['zsh', 'fish'] as const satisfies readonly Shell[])
  requires(shell)(`completion in ${shell}`, () => {
    const whole = (option: string, words: readonly string[]) =>
      words.map((word) => (shell === 'fish' ? `${option}=${word}` : word));
    beforeAll(async () =>
      writeFileSync(join(folder, shell), completionScript(shell, await offersOf(createProgram(), commands))),
    );

    it('offers commands, options, choices and ids, also after the sign of equality', () => {
      expect(offered(shell, 'estop st')).toEqual(['stop']);
      expect(offered(shell, 'estop stop agent billing-bot --dr')).toEqual(['--dry-run']);
      expect(offered(shell, 'estop --json stop fl')).toEqual(['fleet']);
      expect(offered(shell, 'estop audit export --format ')).toEqual(['csv', 'jsonl']);
      expect(offered(shell, 'estop audit export --format=')).toEqual(whole('--format', ['csv', 'jsonl']));
      expect(offered(shell, 'estop audit export --format=j')).toEqual(whole('--format', ['jsonl']));
      expect(offered(shell, 'estop stop agent b')).toEqual(['billing-bot']);
      expect(offered(shell, 'estop task ls --agent=b')).toEqual(whole('--agent', ['billing-bot']));
    });

    it('takes nothing that a shell would run, and asks nobody at an address that is being typed', () => {
      const words = offered(shell, 'estop --profile prod stop agent ').filter((word) => !word.startsWith('-'));
      expect(words).toEqual(['agent', 'billing-bot', 'completion', 'prod', shell].toSorted());
      expect(existsSync(join(folder, 'owned'))).toBe(false);
      const line = 'estop --control-url=http://evil.example stop agent ';
      expect(offered(shell, line).filter((word) => !word.startsWith('-'))).toEqual([]);
    });
  });
