import { Argument, Command } from 'commander';
import { type CliCommand, examples } from '../command.ts';
import { wordsOf } from '../completion/command-tree.ts';
import { completionScript, type Shell, shells } from '../completion/scripts.ts';
import { exitCodes } from '../exit-code.ts';

export const completion: CliCommand = {
  build: (command, run) => {
    command
      .addArgument(new Argument('<shell>', 'which shell it is for').choices(shells))
      .addHelpText(
        'after',
        `\nFor this shell:  source <(estop completion bash)\n${examples('completion bash', 'completion zsh')}`,
      )
      .action(
        run(async ({ terminal }, shell: Shell) => {
          const { commands } = await import('./index.ts');
          terminal.data(completionScript(shell, await wordsOf(command.parent ?? new Command(), commands)).trimEnd());
          return exitCodes.confirmed;
        }),
      );
  },
};
