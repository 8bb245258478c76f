import { spawn } from 'node:child_process';
import { type CliCommand, examples } from '../command.ts';
import type { CliContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-code.ts';
import { printOne } from '../print.ts';
import { exact } from '../when.ts';

interface ConsoleOptions {
  readonly open?: boolean;
  readonly page?: string;
}

export const consoleCommand: CliCommand = {
  build: (command, run) => {
    command
      .option('--open', 'open it in the browser of this machine')
      .option('--page <path>', 'the page to open first, such as /stops')
      .addHelpText(
        'after',
        `\nThe link signs in ONE browser, once, as whoever your token is; send it to nobody.\n${examples('console', 'console --open')}`,
      )
      .action(run((context, options: ConsoleOptions) => showLink(context, options)));
  },
};

async function showLink({ terminal, estop, now }: CliContext, { open, page }: ConsoleOptions): Promise<ExitCode> {
  const link = await estop.signIn.makeLink(page === undefined ? {} : { next: page });
  printOne(terminal, link, () => [link.url]);
  terminal.say(`It works once, and until ${exact(link.expiresAt, now())}.`);
  if (open === true) await openInBrowser(link.url).catch(() => terminal.say('No browser could be opened.'));
  return exitCodes.confirmed;
}

/** As an argument and never through a shell. */
function openInBrowser(url: string): Promise<void> {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  return new Promise((resolve, reject) => {
    const child = spawn(program, [url], { stdio: 'ignore', detached: true });
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}
