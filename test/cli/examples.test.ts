import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { buildAll } from '../../src/cli/completion/command-tree.ts';
import { spellOutWait } from '../../src/cli/duration-option.ts';
import { createProgram } from '../../src/cli/program.ts';

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

const whole = await buildAll(commands);
const leaves = (command: Command, path: string): readonly Leaf[] =>
  command.commands.length === 0
    ? [{ path, command }]
    : command.commands.flatMap((one) => leaves(one, `${path} ${one.name()}`));
const every = whole.flatMap((command) => leaves(command, command.name()));

/** As a person sees it: with what was added after the list of options. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (more) => (text += more) }).outputHelp();
  return text;
}

/** Of a command, or of the one above it that shows the examples of all its sub-commands. */
function examplesOf({ command, path }: Leaf): readonly string[] {
  const texts = [command, command.parent].filter((one) => one !== null).map(helpOf);
  const lines = texts.flatMap((text) => [...text.matchAll(/^ {2}\$ estop (.+)$/gm)].map(([, line = '']) => line));
  return lines.filter((line) => line === path || line.startsWith(`${path} `));
}

/** Quotation marks as a shell takes them; what follows two spaces is a remark. */
const wordsIn = (line: string): readonly string[] =>
  [...(line.split(/ {2,}/)[0] ?? '').matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

async function parses(line: string): Promise<string> {
  const program = createProgram();
  for (const command of await buildAll(commands)) program.addCommand(command);
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
    command.commands.forEach(quiet);
  };
  quiet(program);
  try {
    await program.parseAsync(spellOutWait(wordsIn(line).filter((word) => word !== '|')), { from: 'user' });
    return 'parsed';
  } catch (thrown) {
    return thrown instanceof CommanderError ? thrown.message : String(thrown);
  }
}

describe('the help of every command', () => {
  it.each(every)('estop $path shows an example, and each one is what the parser takes', async (leaf) => {
    const examples = examplesOf(leaf);
    expect(examples.length, 'an example').toBeGreaterThan(0);
    // What comes before a pipe or a redirection is ours.
    for (const example of examples) expect(await parses(example.split(/ [|<>] /)[0] ?? ''), example).toBe('parsed');
  });

  it('would not take an example that is wrong', async () => {
    expect(await parses('stop agent')).toMatch(/missing required argument/);
    expect(await parses('agents --nonsense')).toMatch(/unknown option/);
  });
});
