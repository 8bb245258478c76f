import type { Command } from 'commander';
import type { Secret } from '../../contract/http/secrets.ts';
import { largestSecret } from '../../contract/secret.ts';
import { EstopError } from '../../sdk/index.ts';
import { type CliCommand, examples } from '../command.ts';
import { confirm } from '../confirm.ts';
import type { CliContext, Run } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne, printPage } from '../print.ts';
import { renderTable } from '../table.ts';
import { visible } from '../visible.ts';
import { exact } from '../when.ts';

interface ValueOptions {
  readonly file?: string;
}

export const secret: CliCommand = {
  build: (command, run) => {
    buildWrites(command, run);
    command
      .command('ls')
      .description('The sealed secrets, who set them and who uses them; never a value')
      .addHelpText('after', examples('secret ls', 'secret ls --json'))
      .action(run(list));
    command
      .command('rm <name>')
      .description('Forget a secret; what is called with it is denied from then on')
      .option('-y, --yes', 'do not ask')
      .addHelpText('after', examples('secret rm billing-token'))
      .action(run((context, name: string, options: { readonly yes?: boolean }) => remove(context, name, options)));
  },
};

function buildWrites(command: Command, run: Run): void {
  const fileOption = ['--file <path>', 'read the value from this file instead of standard input'] as const;
  command
    .command('set <name>')
    .description('Seal a new secret; its value comes from standard input or a file, never from the command line')
    .option(...fileOption)
    // What is too much is refused here, and not in words that repeat it.
    .allowExcessArguments()
    .allowUnknownOption()
    .addHelpText('after', examples('secret set billing-token < token.txt', 'secret set crm --file /run/secrets/crm'))
    .action(
      run((context, name: string, options: ValueOptions, given: Command) => {
        refuseArgv(given);
        return write(context, 'set', name, options);
      }),
    );
  command
    .command('rotate <name>')
    .description('Put a new value in the place of the old one; gateways use it within seconds')
    .option(...fileOption)
    // What is too much is refused here, and not in words that repeat it.
    .allowExcessArguments()
    .allowUnknownOption()
    .addHelpText('after', examples('secret rotate billing-token < token.txt'))
    .action(
      run((context, name: string, options: ValueOptions, given: Command) => {
        refuseArgv(given);
        return write(context, 'rotate', name, options);
      }),
    );
}

function refuseArgv({ args }: Command): void {
  if (args.length > 1)
    throw new EstopError('invalid-input', {
      detail:
        'Name a secret and nothing more: its value comes from standard input or --file. Rotate one that was typed.',
    });
}

async function write(
  { terminal, estop }: CliContext,
  verb: 'set' | 'rotate',
  name: string,
  { file }: ValueOptions,
): Promise<ExitCode> {
  const value = await readValue(file);
  const written = await estop.secrets[verb](name, value);
  printOne(terminal, written, () => [
    `${verb === 'set' ? 'set' : 'rotated'}  ${visible(written.name)}  revision ${written.revision}  ${usersOf(written)}`,
  ]);
  return exitCodes.confirmed;
}

/** One newline at the end is the editor's, not the secret's. */
async function readValue(file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY === true)
    throw new EstopError('invalid-input', {
      detail: 'A terminal would show it: pipe the value in, or name a file with --file.',
    });
  const bytes = await readBounded(file);
  const value = new TextDecoder('utf-8', { fatal: false }).decode(bytes).replace(/\r?\n$/, '');
  if (value === '' || value.includes('\ufffd'))
    throw new EstopError('invalid-input', { detail: 'The value is empty, or is not text.' });
  return value;
}

async function readBounded(file: string | undefined): Promise<Buffer> {
  const { createReadStream } = await import('node:fs');
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of file === undefined ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer); // neither stream has an encoding
      size += (chunk as Buffer).length;
      if (size > largestSecret)
        throw new EstopError('invalid-input', { detail: `A secret has at most ${largestSecret} bytes.` });
    }
  } catch (thrown) {
    if (thrown instanceof EstopError) throw thrown; // of this very module and process
    throw new EstopError('invalid-input', { detail: 'The file cannot be read.' });
  }
  return Buffer.concat(chunks);
}

async function list({ terminal, estop, now }: CliContext): Promise<ExitCode> {
  const page = await estop.secrets.list();
  printPage(terminal, page, (items) =>
    renderTable<Secret>(
      [
        { title: 'secret', cell: (row) => row.name },
        { title: 'revision', cell: (row) => String(row.revision) },
        { title: 'set', cell: (row) => exact(row.setAt, now()) },
        { title: 'by', cell: (row) => row.setBy },
        { title: 'key', cell: (row) => row.keyId },
        { title: 'used by', cell: usersOf },
      ],
      items,
    ),
  );
  if (page.items.length === 0) terminal.say('None is kept here.');
  return exitCodes.confirmed;
}

async function remove(context: CliContext, name: string, options: { readonly yes?: boolean }): Promise<ExitCode> {
  const { terminal, estop } = context;
  const question = `Forget ${visible(name)}? What is called with it is denied from then on.`;
  if (options.yes !== true && !(await confirm(terminal, question))) return exitCodes.declined;
  const removed = await estop.secrets.remove(name);
  printOne(terminal, removed, () => [`removed  ${visible(removed.name)}`]);
  return exitCodes.confirmed;
}

const usersOf = ({ usedBy }: Secret): string => (usedBy.length === 0 ? 'no agent' : usedBy.join(' '));
