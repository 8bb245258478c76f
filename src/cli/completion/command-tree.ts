import { Command, type Option } from 'commander';
import type { CommandEntry } from '../command.ts';
import type { Run } from '../context.ts';
import { offerWatch } from '../watch-again.ts';
import { isLiveKind, type LiveKind } from './live-kinds.ts';

/** What may stand at one place: words that are known beforehand, and ids of what there is just now. */
export interface Offer {
  readonly words: readonly string[];
  readonly kinds: readonly LiveKind[];
}

/** What may come after the words so far: by the path of words, as in `stop agent`; and after an option, as in `audit export --format`. */
export interface Offers {
  readonly after: ReadonlyMap<string, Offer>;
  readonly values: ReadonlyMap<string, Offer>;
}

/** Built from the program itself, so that what is completed is what there is. */
export async function offersOf(program: Command, entries: readonly CommandEntry[]): Promise<Offers> {
  const after = new Map<string, Offer>();
  const values = new Map<string, Offer>();
  const whole = await buildAll(entries);
  const note = (command: Command, path: string, words: readonly string[]): void => {
    const options = command.options.filter(({ hidden }) => !hidden);
    const named = options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long]));
    after.set(path, { words: [...words, ...named], kinds: kindsOf(command) });
    for (const option of options)
      for (const spelled of [option.long, option.short])
        if (option.required && typeof spelled === 'string') values.set(`${path} ${spelled}`.trim(), valueOf(option));
  };
  note(program, '', [...whole.map((command) => command.name()), 'help']);
  const walk = (command: Command, path: string): void => {
    note(command, path, [...command.commands.map((one) => one.name()), ...choicesOf(command), '--help']);
    for (const one of command.commands) walk(one, `${path} ${one.name()}`);
  };
  for (const command of whole) walk(command, command.name());
  return { after, values };
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

const choicesOf = (command: Command): readonly string[] =>
  command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);

const kindsOf = (command: Command): readonly LiveKind[] =>
  command.registeredArguments.map((argument) => argument.name()).filter(isLiveKind);

/** By what its help calls the value: `--agent <agent>`. */
const valueOf = ({ flags, argChoices }: Option): Offer => ({
  words: argChoices ?? [],
  kinds: [/<([^>]+)>/.exec(flags)?.[1] ?? ''].filter(isLiveKind),
});
