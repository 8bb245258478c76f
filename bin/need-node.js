/**
 * Says one clear sentence on a Node that is too old, instead of the syntax error or missing API it would meet later.
 * Plain JavaScript that Node 18 can run. Every npm script uses the Node pinned in node_modules; this is for a shell that does not.
 */
const needed = [22, 12];

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isNewEnough = major > needed[0] || (major === needed[0] && minor >= needed[1]);

if (!isNewEnough) {
  process.stderr.write(
    `estop needs Node ${needed.join('.')} or newer and was started with ${process.versions.node}: use "npx estop" or an npm script ` +
      'after "npm ci", which brings its own Node, or install a newer one where install scripts are blocked.\n',
  );
  process.exit(2);
}
