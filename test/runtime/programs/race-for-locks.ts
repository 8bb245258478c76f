/** Goes for the locks 0, 1, .. of a folder, each at an agreed instant, and says which it got. */
import { join } from 'node:path';
import { acquireExclusiveFile } from '../../../src/runtime/local/exclusive-file.ts';

const [folder = '', rounds = '', firstAt = '', everyMs = ''] = process.argv.slice(2);
const won: number[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const at = Number(firstAt) + round * Number(everyMs);
  // A timer is not exact enough to make the racers meet.
  while (performance.timeOrigin + performance.now() < at);
  if (acquireExclusiveFile(join(folder, String(round))).kind === 'acquired') won.push(round);
}
console.log(JSON.stringify({ won }));
// The winners live until all have raced: a lock of a process that ended is free to take.
setInterval(() => undefined, 1000);
