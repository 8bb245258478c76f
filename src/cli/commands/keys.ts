import { dirname, join } from 'node:path';
import { Argument } from 'commander';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';

type Purpose = 'token' | 'seal' | 'secret' | 'codec' | 'flow' | 'proof' | 'all';

export const keys: CliCommand = {
  build: (command, run) => {
    command
      .command('rotate')
      .description('A new key signs and seals from now on; what older keys signed and sealed still opens')
      .addArgument(
        new Argument('[purpose]', 'which')
          .choices(['token', 'seal', 'secret', 'codec', 'flow', 'proof', 'all'])
          .default('all'),
      )
      .addHelpText('after', examples('keys rotate', 'keys rotate token --state .estop'))
      .action(run((context, purpose: Purpose) => rotate(context, purpose)));
  },
};

async function rotate({ terminal, connection }: CliContext, purpose: Purpose): Promise<ExitCode> {
  if (connection.source === undefined)
    throw new EstopError('invalid-input', { detail: 'Keys live in a state folder; name it with --state.' });
  const { keyPurposes, rotateKey } = await import('../../runtime/keys/key-ring.ts');
  const folder = join(dirname(connection.source), 'keys');
  const rotated = keyPurposes
    .filter((one) => purpose === 'all' || one === purpose)
    .map((one) => ({ purpose: one, kid: rotateKey(folder, one) }));
  printOne(terminal, { rotated }, () => rotated.map((one) => `${one.purpose}  ${one.kid}`));
  return exitCodes.confirmed;
}
