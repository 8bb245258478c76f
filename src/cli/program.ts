import { Command, CommanderError, Option } from 'commander';
import { readVersion } from '../runtime/package-version.ts';
import { commands } from './commands/index.ts';
import { type ConnectionFlags, readConnection } from './connection.ts';
import { createContext, type Run } from './context.ts';
import { spellOutWait } from './duration-option.ts';
import { type ExitCode, exitCodes } from './exit-code.ts';
import { createMutationKey } from './mutation-key.ts';
import { reportError } from './report-error.ts';
import { createTerminal, type OutputFormat, type Terminal } from './terminal.ts';
import { createVersions } from './versions.ts';
import { visibleLines } from './visible.ts';
import { isWatched, offerWatch, watchAgain } from './watch-again.ts';
import { workingFolder } from './working-folder.ts';

interface GlobalOptions extends ConnectionFlags {
  readonly output: OutputFormat;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
}

/** Runs one command and returns its exit code. Never throws, never prompts without a terminal. */
export async function runCli(words: readonly string[]): Promise<ExitCode> {
  const args = spellOutWait(spellOutHelp(words));
  let exitCode: ExitCode = exitCodes.confirmed;
  const program = createProgram();
  const run: Run =
    (action) =>
    async (...given) => {
      const terminal = terminalFor(program);
      const key = createMutationKey(program.opts<GlobalOptions>().idempotencyKey);
      const versions = createVersions();
      try {
        const connect = () => readConnection(program.opts<GlobalOptions>(), process.env, workingFolder());
        const once = (shown: Terminal): Promise<ExitCode> =>
          action(createContext(shown, connect, key, versions), ...given);
        exitCode = isWatched(given) ? await watchAgain(terminal, once) : await once(terminal);
      } catch (thrown) {
        terminal.endDrawing();
        exitCode = reportError(terminal, thrown, { key, versions });
      }
    };
  try {
    const called = nameOfCommand(program, args);
    for (const entry of commands) {
      const command = program.command(entry.name).description(entry.summary).summary(entry.summary);
      if (entry.name !== called) continue;
      (await entry.load()).build(command, run);
      offerWatch(command);
    }
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.confirmed : exitCodes.usage;
    return reportError(terminalFor(program), thrown);
  }
}

/** `help stop agent` is `stop agent --help`: of itself it would stop at the first word. */
const spellOutHelp = (words: readonly string[]): readonly string[] =>
  words[0] === 'help' && words.length > 2 ? [...words.slice(1), '--help'] : words;

/** The first word that is neither an option nor the value of one. */
function nameOfCommand(program: Command, args: readonly string[]): string | undefined {
  const [first, second] = program.parseOptions([...args]).operands;
  return first === 'help' ? second : first;
}

/** `estop` without its commands; a test of the pages gives it all of them. */
export function createProgram(): Command {
  return new Command('estop')
    .description('The emergency stop for AI agents.')
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['text', 'json', 'jsonl']).default('text'))
    .option('--json', 'the same as --output json')
    .option('--profile <name>', 'a connection profile from ~/.config/estop/profiles')
    .option('--state <folder>', 'the state folder of a local installation')
    .option('--control-url <url>', 'where the control API is')
    .option('--stop-url <url>', 'where the stop process is')
    .option('--idempotency-key <key>', 'whatever it changes is changed once under this key, however often it is sent')
    .addOption(new Option('-V, --version', 'print the version'))
    .on('option:version', () => {
      process.stdout.write(`estop ${readVersion()}\n`);
      throw new CommanderError(0, 'commander.version', '');
    })
    .exitOverride()
    .showHelpAfterError('(add --help for what there is)')
    .configureOutput({
      // Commander repeats what was typed, and what was typed may have been pasted.
      outputError: (text, write) => write(`${visibleLines(text.trimEnd()).join('\n')}\n`),
    })
    .addHelpText(
      'after',
      `
Exit codes: 0 confirmed, 1 error, 2 usage, 4 not allowed, 5 not found,
            3 partial: the rest needs a date or a person, or a person accepted it as a risk,
            6 latched but not confirmed within --wait, 7 cannot be reached, 130 declined

Examples:
  $ estop stop agent billing-bot --reason "wrong invoices"
  $ estop stop fleet --yes
  $ estop stop agent billing-bot --direct     when nothing else answers
  $ estop task start billing-bot "Pay invoice 4711"`,
    );
}

function terminalFor(program: Command): Terminal {
  const { json, output } = program.opts<GlobalOptions>();
  return createTerminal(json === true ? 'json' : output);
}
