/** Claims a state folder, says how that went, and keeps it until it is told to end. */
import { errorCodeOf } from '../../../src/core/errors.ts';
import { claimStateFolder } from '../../../src/runtime/local/state-folder.ts';

process.on('SIGTERM', () => process.exit(0));
try {
  claimStateFolder(process.argv[2]);
  console.log(JSON.stringify({ claimed: true }));
  setInterval(() => undefined, 1000);
} catch (error) {
  console.log(
    JSON.stringify({ claimed: false, code: errorCodeOf(error), message: error instanceof Error ? error.message : '' }),
  );
}
