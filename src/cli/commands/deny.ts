import { type CliCommand, examples } from '../command.ts';
import { type DecideOptions, denyAll } from '../decide.ts';

export const deny: CliCommand = {
  build: (command, run) => {
    command
      .argument('<approval...>')
      .option('--reason <text>', 'kept with the decision')
      .addHelpText(
        'after',
        examples(
          'deny appr_dev_01h2xcejqtf2nbrexx3vqjhp41 --reason "wrong account"',
          'deny appr_dev_01h2xcejqtf2nbrexx3vqjhp41 appr_dev_01h2xcejqtf2nbrexx3vqjhp42 --reason "nobody asked for these"',
        ),
      )
      .action(run((context, ids: readonly string[], options: DecideOptions) => denyAll(context, ids, options)));
  },
};
