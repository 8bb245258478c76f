/**
 * Says one clear sentence on a Node that is too old, instead of the syntax error or missing API it would meet later.
 * Every npm script uses the Node pinned in node_modules; this is for a shell that does not.
 */
import { isNewEnough, needed } from './node-version.js';

if (!isNewEnough) {
  process.stderr.write(
    `estop needs Node ${needed} or newer and was started with ${process.versions.node}: run "npm ci" in its folder, ` +
      'which brings its own Node, or install a newer one where install scripts are blocked.\n',
  );
  process.exit(2);
}
