import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { buildAll } from '../../src/cli/completion/command-tree.ts';
import { createTerminal } from '../../src/cli/terminal.ts';
import { isWatched, offerWatch, watchAgain } from '../../src/cli/watch-again.ts';

const longs = (command: Command): readonly string[] => command.options.map(({ long }) => long ?? '');
const all = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(all)];

describe('--watch', () => {
  it('is there for every command that lists or shows', async () => {
    const reading = (await buildAll(commands))
      .flatMap(all)
      .filter(
        (command) => ['ls', 'show', 'approvals', 'agents'].includes(command.name()) && command.commands.length === 0,
      );
    expect(reading.length).toBeGreaterThan(8);
    for (const command of reading) expect(longs(command), command.name()).toContain('--watch');
  });

  it('is not there where something would be done again and again', async () => {
    for (const command of (await buildAll(commands)).flatMap(all))
      if (['start', 'approve', 'deny', 'reset', 'rm', 'set', 'fleet'].includes(command.name()))
        expect(longs(command), command.name()).not.toContain('--watch');
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

  it('prints what has changed, and ends with what went wrong', async () => {
    const turns = ['one', 'one', 'two', 'end'];
    const printed: string[] = [];
    const terminal = { ...createTerminal('jsonl'), data: (line: string) => void printed.push(line) };
    let turn = 0;
    const result = await watchAgain(
      terminal,
      async (shown) => {
        const line = turns[turn++] ?? 'never';
        shown.data(line);
        return line;
      },
      (line) => line !== 'end',
      async () => undefined,
    );
    expect(printed).toEqual(['one', 'two', 'end']);
    expect(result).toBe('end');
  });
});
