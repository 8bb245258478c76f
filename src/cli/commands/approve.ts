import { type CliCommand, examples } from '../command.ts';
import { type DecideOptions, decide } from '../decide.ts';

export const approve: CliCommand = {
  build: (command, run) => {
    command
      .argument('<approval>')
      .option('--reason <text>', 'kept with the decision')
      .option('-y, --yes', 'do not ask')
      .addHelpText('after', examples('approve appr_dev_01h2xcejqtf2nbrexx3vqjhp41'))
      .action(run((context, id: string, options: DecideOptions) => decide(context, id, 'approved', options)));
  },
};
