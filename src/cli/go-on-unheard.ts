import { type ExitCode, exitCodes } from './exit-code.ts';

/** What a command that has no end of its own ends with once nobody reads it. */
let whenUnheard: ExitCode | undefined;

/** For a command that shows things for as long as somebody looks. */
export function endWhenUnheard(code: ExitCode): void {
  whenUnheard = code;
}

/**
 * A reader that ends first (`estop task ls | head`), or a terminal that was closed, ends no command: an order to stop goes its whole way,
 * and the exit code stays the one of what was verified. Data that could not be written is an error of its own.
 */
export function goOnUnheard(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE' && (process.exitCode ?? exitCodes.confirmed) === exitCodes.confirmed)
      process.exitCode = exitCodes.error;
    if (whenUnheard !== undefined) process.exit(code === 'EPIPE' ? whenUnheard : exitCodes.error);
  });
  process.stderr.on('error', () => undefined);
}
