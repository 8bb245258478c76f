import { exitCodes } from './exit-code.ts';
import { runCli } from './program.ts';

// `estop task ls | head` ends the reader first; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) =>
  process.exit(error.code === 'EPIPE' ? exitCodes.confirmed : exitCodes.error),
);

process.exitCode = await runCli(process.argv.slice(2));
