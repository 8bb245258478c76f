/** Set for the processes that `startNodeProcess` starts: their standard input is a pipe that their parent holds open. */
export const parentPipeVariable = 'ESTOP_PARENT_PIPE';

const graceMs = 5_000;

/**
 * Called by every process of estop at its start: when the parent is gone, however it went, the pipe closes and this process
 * ends as if it had been sent SIGTERM, and by force if that takes too long. Does nothing where no parent holds such a pipe.
 */
export function endWithParent(): void {
  if (process.env[parentPipeVariable] !== '1') return;
  process.stdin.once('close', () => {
    setTimeout(() => process.exit(1), graceMs).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.stdin.resume();
  // Waiting for the parent's end is no work of its own that keeps this process up.
  if ('unref' in process.stdin) process.stdin.unref();
}
