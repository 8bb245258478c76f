import { type CliCommand, examples } from '../command.ts';
import { exitCodes } from '../exit-code.ts';

/** A stop never waits for its reason; this is how it gets one afterwards. */
export const note: CliCommand = {
  build: (command, run) => {
    command
      .argument('<stop>')
      .argument('<text...>', 'what to say about it')
      .addHelpText('after', examples('note stop_dev_.. it wrote to the wrong ledger'))
      .action(
        run(async ({ terminal, estop }, stopId: string, text: readonly string[]) => {
          await estop.overview.note(stopId, text.join(' '));
          terminal.say('recorded');
          return exitCodes.confirmed;
        }),
      );
  },
};
