import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { exitCodes } from './exit-code.ts';
import { endWhenUnheard } from './go-on-unheard.ts';
import type { Terminal } from './terminal.ts';

const everyMs = 2_000;
/** The last word of commands that only look, of whatever: what they show may be shown again. None of these may ever do something. */
const reading = new Set(
  'ls show timeline approvals agents now connectors tree history audit doctor sign-ins'.split(' '),
);

/** Gives --watch to every command that only reads and has no better one of its own, so that none is forgotten. */
export function offerWatch(command: Command): void {
  const isLeaf = command.commands.length === 0;
  if (isLeaf && reading.has(command.name()) && !command.options.some(({ long }) => long === '--watch'))
    command
      .option('--watch', 'show it again every two seconds, until Ctrl-C')
      .on('option:watch', () => wanted.add(command));
  for (const one of command.commands) offerWatch(one);
}

const wanted = new WeakSet<Command>();

/** Whether this call is to be repeated by us; a --watch of the command's own is its own business. */
export const isWatched = (given: readonly unknown[]): boolean => {
  const command = given.at(-1);
  return typeof command === 'object' && command !== null && wanted.has(command as Command); // a WeakSet takes any object
};

/**
 * Collects what one turn prints; a turn that says the same as the one before is not printed again. Whatever a turn comes to, there is
 * another: what is not well yet is what people watch. Only what cannot be shown at all ends it.
 */
export async function watchAgain(
  terminal: Terminal,
  once: (terminal: Terminal) => Promise<unknown>,
  pause: () => Promise<unknown> = () => sleep(everyMs),
): Promise<never> {
  endWhenUnheard(exitCodes.confirmed);
  let before: string | undefined;
  for (;;) {
    const lines: { readonly to: 'data' | 'say'; readonly line: string }[] = [];
    await once({
      ...terminal,
      data: (line) => void lines.push({ to: 'data', line }),
      say: (line) => void lines.push({ to: 'say', line }),
    });
    const now = JSON.stringify(lines);
    if (now !== before) {
      if (process.stdout.isTTY === true && terminal.format === 'text') process.stdout.write('\u001b[H\u001b[2J');
      for (const { to, line } of lines) terminal[to](line);
    }
    before = now;
    await pause();
  }
}
