import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Where `npm ci` puts the Node that is pinned. */
const ownNode = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));

/** From a folder of somebody's own, the `npx` of an old Node finds estop, but not the Node beside it. */
export const hasOwnNode = existsSync(ownNode) && realpathSync(ownNode) !== realpathSync(process.execPath);

/** The same command once more, on that Node; ends as it does. */
export async function runOnOwnNode() {
  const child = spawn(ownNode, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C reaches everything in the terminal; a second one would mean "at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const [code, signal] = await new Promise((done) => {
    child.on('error', () => done([2, null]));
    child.on('exit', (...end) => done(end));
  });
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
}
