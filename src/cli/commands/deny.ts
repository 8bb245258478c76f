import { type CliCommand, examples } from '../command.ts';
import { type DecideOptions, decide } from '../decide.ts';

export const deny: CliCommand = {
  build: (command, run) => {
    command
      .argument('<approval>')
      .option('--reason <text>', 'kept with the decision')
      .addHelpText('after', examples('deny appr_dev_01h2xcejqtf2nbrexx3vqjhp41 --reason "wrong account"'))
      .action(run((context, id: string, options: DecideOptions) => decide(context, id, 'denied', options)));
  },
};
