import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type CliCommand, examples } from '../command.ts';
import { profilesFolder } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';

export const logout: CliCommand = {
  build: (command, run) => {
    command
      .addHelpText('after', examples('logout', 'logout --profile production'))
      .action(run((context) => signOut(context)));
  },
};

/** First there, then here: a profile that is only deleted leaves a sign-in that still works. */
async function signOut({ terminal, estop, connection }: CliContext): Promise<ExitCode> {
  const { signInId } = await estop.signIn.whoAmI();
  if (signInId === null) {
    terminal.say('This is a token of a file or of a program, and no sign-in: there is nothing to end.');
    return exitCodes.usage;
  }
  await estop.signIn.end(signInId);
  if (connection.source !== undefined && dirname(connection.source) === profilesFolder(process.env))
    rmSync(connection.source);
  terminal.say('Signed out.');
  return exitCodes.confirmed;
}
