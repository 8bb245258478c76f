import { Argument, Command, Option } from 'commander';
import { type CliCommand, examples } from '../command.ts';
import { offersOf } from '../completion/command-tree.ts';
import { type LiveKind, liveKinds } from '../completion/live-kinds.ts';
import { completionScript, type Shell, shells } from '../completion/scripts.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';

export const completion: CliCommand = {
  build: (command, run) => {
    command
      .addArgument(new Argument('<shell>', 'which shell it is for').choices(shells))
      .addOption(new Option('--ids <kind>', 'what the script asks while somebody types').choices(liveKinds).hideHelp())
      .addHelpText(
        'after',
        `
Offers commands, options and their choices, and the ids of agents, of open tasks, of stops in force and of pending approvals,
where the control API answers at once.

For this shell:  source <(estop completion bash)
${examples('completion bash', 'completion zsh')}`,
      )
      .action(
        run((context, shell: Shell, { ids }: { readonly ids?: LiveKind }) =>
          ids === undefined ? script(context, shell, command) : names(context, ids),
        ),
      );
  },
};

async function script({ terminal }: CliContext, shell: Shell, command: Command): Promise<ExitCode> {
  const { commands } = await import('./index.ts');
  const offers = await offersOf(command.parent ?? new Command(), commands);
  for (const line of completionScript(shell, offers).trimEnd().split('\n')) terminal.data(line);
  return exitCodes.confirmed;
}

/** Whoever presses Tab gets ids or nothing: no reason why not would be of use to them there. */
async function names(context: CliContext, kind: LiveKind): Promise<ExitCode> {
  const { liveIds } = await import('../completion/live-ids.ts');
  try {
    for (const name of await liveIds(context.connection, kind)) context.terminal.data(name);
  } catch {
    return exitCodes.confirmed;
  }
  return exitCodes.confirmed;
}
