#!/usr/bin/env node
/** The launcher: finds out whether this Node and this build can run estop, then gets out of the way. */
import { existsSync } from 'node:fs';
import { isNewEnough } from './node-version.js';
import { hasOwnNode, runOnOwnNode } from './own-node.js';

if (!isNewEnough && hasOwnNode) await runOnOwnNode();
await import('./need-node.js');

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write('estop is not built yet; run "npm run build" in its folder.\n');
  process.exit(2);
}
await import(main.href);
