import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { buildAll } from '../../src/cli/completion/command-tree.ts';
import { exitCodes } from '../../src/cli/exit-code.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { isWatched, offerWatch, watchAgain } from '../../src/cli/watch-again.ts';

const longs = (command: Command): readonly string[] => command.options.map(({ long }) => long ?? '');
/** Whatever can be called, by its words. */
const leaves = (command: Command, before = ''): readonly (readonly [path: string, command: Command])[] => {
  const path = `${before}${command.name()}`;
  return command.commands.length === 0 ? [[path, command]] : command.commands.flatMap((one) => leaves(one, `${path} `));
};

describe('--watch', () => {
  it('is there for every command that only looks, and for no other', async () => {
    const without = (await buildAll(commands))
      .flatMap((command) => leaves(command))
      .filter(([, command]) => !longs(command).includes('--watch'))
      .map(([path]) => path);
    // Pinned by hand: what does something, asks nobody, or goes on by itself.
    expect(without.toSorted()).toEqual(
      [
        ...'dev console login logout whoami connect approve deny reset accept-risk note events completion'.split(' '),
        ...['create', 'revoke'].map((verb) => `token ${verb}`),
        ...['grant', 'end', 'review'].map((verb) => `elevate ${verb}`),
        ...['disable', 'enable', 'end-sign-in'].map((verb) => `people ${verb}`),
        ...'task agent label tool connector scope model fleet'.split(' ').map((scope) => `stop ${scope}`),
        ...'start open close token hold release'.split(' ').map((verb) => `task ${verb}`),
        'audit export',
        'breaker reset',
        'connector drill',
        ...['test', 'proceed'].map((verb) => `playbook ${verb}`),
        ...['ack', 'test'].map((verb) => `notify ${verb}`),
        ...['review', 'diff', 'accept'].map((verb) => `tool ${verb}`),
        ...['validate', 'init', 'diff'].map((verb) => `config ${verb}`),
        'keys rotate',
        ...['check', 'activate', 'rollback', 'test'].map((verb) => `policy ${verb}`),
        ...['set', 'rotate', 'rm'].map((verb) => `secret ${verb}`),
      ].toSorted(),
    );
  });

  it('leaves a command alone that has one of its own', async () => {
    const seen: boolean[] = [];
    const action = (...given: readonly unknown[]): void => void seen.push(isWatched(given));
    const own = new Command('show').option('--watch').action(action);
    const plain = new Command('ls').action(action);
    for (const command of [own, plain]) offerWatch(command);
    await own.parseAsync(['--watch'], { from: 'user' });
    await plain.parseAsync([], { from: 'user' });
    await plain.parseAsync(['--watch'], { from: 'user' });
    expect(seen).toEqual([false, false, true]);
  });

  it('prints what has changed whatever a turn comes to, and ends with what cannot be shown', async () => {
    const turns = ['one', 'one', 'two'];
    const printed: string[] = [];
    const terminal = { ...createTerminal('jsonl'), data: (line: string) => void printed.push(line) };
    const watching = watchAgain(
      terminal,
      async (shown) => {
        const line = turns.shift();
        if (line === undefined) throw new Error('gone');
        shown.data(line);
        // A connector that is not ready yet is what somebody waits for.
        return exitCodes.partial;
      },
      async () => undefined,
    );
    await expect(watching).rejects.toThrow('gone');
    expect(printed).toEqual(['one', 'two']);
  });
});
