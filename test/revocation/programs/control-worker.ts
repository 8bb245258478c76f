import type { ScheduledDrill } from '../../../src/contract/config.ts';
import { ensureKeys, openKeyRing } from '../../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../../src/runtime/keys/sealer.ts';
import { createDataConverter } from '../../../src/runtime/temporal-connection.ts';
import { startControlWorker } from '../../../src/workers/create-control.ts';
import { type TargetConnectors, targetConnectors } from '../target-connectors.ts';

interface Given extends TargetConnectors {
  readonly drills?: readonly ScheduledDrill[];
}

/** The control worker as a process of its own, to be killed. */
const [databaseUrl = '', temporalAddress = '', folder = '', targetUrl = '', given = '{}'] = process.argv.slice(2);
const { drills = [], ...connectors } = JSON.parse(given) as Given; // written by the test
const quiet = () => undefined;
ensureKeys(folder, 'test');
startControlWorker({
  environment: 'test',
  databaseUrl,
  temporalAddress,
  dataConverter: createDataConverter(createSealer(openKeyRing(folder, 'codec', 'test'))),
  connectors: targetConnectors(targetUrl, connectors),
  drills: () => drills,
  sealer: createSealer(openKeyRing(folder, 'seal', 'test')),
  log: {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (fields, message) => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  },
});
process.stdout.write('{"started":true}\n');
