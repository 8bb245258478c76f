import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import { confirmByName } from '../confirm.ts';
import { exitCodes } from '../exit-code.ts';

export const acceptRisk: CliCommand = {
  build: (command, run) => {
    command
      .argument('<obligation>')
      .requiredOption('--reason <text>', 'why it is left alive')
      .option('-y, --yes', 'do not ask')
      .addHelpText('after', examples('accept-risk stop_dev_../grant_dev_.. --reason "the system is gone for good"'))
      .action(
        run(async ({ terminal, estop }, id: string, options: { readonly reason: string; readonly yes?: boolean }) => {
          if (options.yes !== true) {
            if (!terminal.canAsk)
              throw new EstopError('invalid-input', { detail: 'There is no terminal to ask on: add --yes.' });
            if (!(await confirmByName(terminal, 'Access may stay alive there, and your name stays with it.', 'accept')))
              return exitCodes.declined;
          }
          await estop.stops.acceptRisk(id, { reason: options.reason });
          terminal.say('recorded: accepted-risk');
          return exitCodes.confirmed;
        }),
      );
  },
};
