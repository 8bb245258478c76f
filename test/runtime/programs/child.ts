/** A process of estop that only keeps the rule that all of them keep: it ends with its parent. */
import { endWithParent } from '../../../src/runtime/local/end-with-parent.ts';

endWithParent();
process.on('SIGTERM', () => {
  console.log('asked to end');
  process.exit(0);
});
setInterval(() => undefined, 1000);
console.log('up');
