import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { buildAll } from '../../src/cli/completion/command-tree.ts';
import { spellOutWait } from '../../src/cli/duration-option.ts';
import { createProgram } from '../../src/cli/program.ts';
import { examplesOf, leavesOf, wordsIn } from './example-lines.ts';

const every = leavesOf(await buildAll(commands));

async function parses(line: string): Promise<string> {
  const program = createProgram();
  for (const command of await buildAll(commands)) program.addCommand(command);
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    await program.parseAsync(spellOutWait(wordsIn(line)), { from: 'user' });
    return 'parsed';
  } catch (thrown) {
    return thrown instanceof CommanderError ? thrown.message : String(thrown);
  }
}

describe('the help of every command', () => {
  it.each(every)('estop $path shows an example, and each one is what the parser takes', async (leaf) => {
    const examples = examplesOf(leaf);
    expect(examples.length, 'an example').toBeGreaterThan(0);
    for (const example of examples) expect(await parses(example), example).toBe('parsed');
  });

  it('would not take an example that is wrong', async () => {
    expect(await parses('stop agent')).toMatch(/missing required argument/);
    expect(await parses('agents --nonsense')).toMatch(/unknown option/);
  });
});
