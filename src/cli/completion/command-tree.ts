import { Command } from 'commander';
import type { CommandEntry } from '../command.ts';
import type { Run } from '../context.ts';
import { offerWatch } from '../watch-again.ts';

/** What may come after the words so far: sub-commands and options, by the path of words, as in `stop agent`. */
export type Words = ReadonlyMap<string, readonly string[]>;

/** Built from the program itself, so that what is completed is what there is. */
export async function wordsOf(program: Command, entries: readonly CommandEntry[]): Promise<Words> {
  const words = new Map<string, readonly string[]>();
  const whole = await buildAll(entries);
  const top = [...whole.map((command) => command.name()), 'help', ...optionsOf(program)];
  words.set('', top);
  const walk = (command: Command, path: string): void => {
    words.set(path, [
      ...command.commands.map((one) => one.name()),
      ...choicesOf(command),
      ...optionsOf(command),
      '--help',
    ]);
    for (const one of command.commands) walk(one, `${path} ${one.name()}`);
  };
  for (const command of whole) walk(command, command.name());
  return words;
}

/** Every command with all that belongs to it; none of them does anything. */
export async function buildAll(entries: readonly CommandEntry[]): Promise<readonly Command[]> {
  const idle: Run = () => async () => undefined;
  return Promise.all(
    entries.map(async (entry) => {
      const command = new Command(entry.name).description(entry.summary);
      (await entry.load()).build(command, idle);
      offerWatch(command);
      return command;
    }),
  );
}

const optionsOf = (command: Command): readonly string[] =>
  command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));

const choicesOf = (command: Command): readonly string[] =>
  command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
