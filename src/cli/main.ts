import { exitCodes } from './exit-code.ts';
import { goOnUnheard } from './go-on-unheard.ts';
import { runCli } from './program.ts';

goOnUnheard();
const code = await runCli(process.argv.slice(2));
// What could not be printed counts where everything else went well.
if (code !== exitCodes.confirmed || process.exitCode === undefined) process.exitCode = code;
