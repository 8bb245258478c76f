import { type CliCommand, examples } from './command.ts';
import { exitCodes } from './exit-code.ts';

type RunDev = (options: { readonly config: string; readonly state: string }) => Promise<number>;

/** The shell of `estop dev`: options here, everything it does in commands/dev.ts. */
export function devCommand(runDev: RunDev): CliCommand {
  return {
    build: (command, run) => {
      command
        .option('--config <file>', 'the configuration', 'estop.yaml')
        .addHelpText('after', examples('dev', 'dev --config other.yaml --state .estop-other'))
        .action(
          run(async (_context, options: { readonly config: string }) => {
            const { state } = command.optsWithGlobals<{ readonly state?: string }>();
            const ended = await runDev({
              config: options.config,
              state: state ?? process.env['ESTOP_STATE'] ?? '.estop',
            });
            return ended === 0 ? exitCodes.confirmed : exitCodes.error;
          }),
        );
    },
  };
}
