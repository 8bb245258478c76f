/** Claims a state folder, starts children of two kinds in it, says their pids, and then does nothing until it is killed or told to exit. */
import { join } from 'node:path';
import { startChild } from '../../../src/runtime/local/child-process.ts';
import { startNodeProcess } from '../../../src/runtime/local/node-process.ts';
import { claimStateFolder } from '../../../src/runtime/local/state-folder.ts';

const { path: stateFolder } = claimStateFolder(process.argv[2]);
process.on('SIGTERM', () => process.exit(0));

// One that knows nothing of us, as a database server, and one of our own.
const foreign = await startChild({
  name: 'foreign',
  command: 'sleep',
  args: ['600'],
  stateFolder,
  logFile: join(stateFolder, 'foreign.log'),
});
const own = await startNodeProcess({
  name: 'own',
  main: join(import.meta.dirname, 'child.ts'),
  stateFolder,
  logFile: join(stateFolder, 'own.log'),
});
console.log(JSON.stringify({ foreign: foreign.pid, own: own.pid }));
