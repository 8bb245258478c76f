import { type Command, CommanderError } from 'commander';
import { commands } from '../../src/cli/commands/index.ts';
import type { Run } from '../../src/cli/context.ts';
import { spellOutWait } from '../../src/cli/duration-option.ts';
import { createProgram } from '../../src/cli/program.ts';
import { offerWatch } from '../../src/cli/watch-again.ts';

const nobody: Run = () => async () => undefined;

async function everything(run: Run = nobody): Promise<Command> {
  const program = createProgram().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
  for (const entry of commands) {
    const command = program.command(entry.name);
    (await entry.load()).build(command, run);
    offerWatch(command);
  }
  return program;
}

/** What `estop` itself would say of these words, or undefined where it would act. It never acts here. */
export async function faultOf(words: readonly string[]): Promise<CommanderError | undefined> {
  let acted = false;
  const run: Run = () => async () => {
    acted = true;
  };
  const program = await everything(run);
  try {
    await program.parseAsync([...spellOutWait(words)], { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return isHelp(words, thrown) ? undefined : thrown;
  }
  return acted ? undefined : new CommanderError(2, 'commander.nothing', `"${words.join(' ')}" asks for nothing`);
}

const isHelp = (words: readonly string[], { code }: CommanderError): boolean =>
  (words.some((word) => word === '--help' || word === 'help') && code.startsWith('commander.help')) ||
  code === 'commander.version';

const unfinished = new Set([
  'commander.missingArgument',
  'commander.optionMissingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.help',
]);
const isLeftOut = (word: string): boolean => /^(?:\.\.\.?|[A-Z]+|<[a-z -]+>)$/.test(word);

/**
 * In a sentence a command may be named without all its words (`estop stop --direct`, `estop breaker reset <agent> <breaker>`),
 * but never by a command or an option that there is not.
 */
export async function isNamed(said: readonly string[]): Promise<boolean> {
  const words = said.map((word) => word.replaceAll(/^\[|\]$/g, '')).filter((word) => !/^\.\.\.?$/.test(word));
  const fault = await faultOf(words);
  if (fault === undefined || unfinished.has(fault.code)) return true;
  if (fault.code === 'commander.invalidArgument') return words.some(isLeftOut);
  if (fault.code !== 'commander.unknownOption') return false;
  const [group, ...rest] = words;
  const options = rest.filter((word) => word.startsWith('-'));
  if (rest.length > options.length) return false;
  const below = (await everything()).commands.find((command) => command.name() === group)?.commands ?? [];
  return below.some((command) =>
    options.every((option) => command.options.some(({ long, short }) => [long, short].includes(option))),
  );
}
