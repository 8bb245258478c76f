import { readFileSync } from 'node:fs';
import type { NotificationsSpec } from '../../../src/contract/notifications.ts';
import { ensureKeys, openKeyRing } from '../../../src/runtime/keys/key-ring.ts';
import { createSealer } from '../../../src/runtime/keys/sealer.ts';
import { createDataConverter } from '../../../src/runtime/temporal-connection.ts';
import { startControlWorker } from '../../../src/workers/create-control.ts';
import { targetConnectors } from '../../revocation/target-connectors.ts';
import { readSecret } from '../telling.ts';

/** The control worker as a process of its own, to be killed while it tells somebody. */
const [databaseUrl = '', temporalAddress = '', folder = '', targetUrl = '', told = ''] = process.argv.slice(2);
const quiet = () => undefined;
ensureKeys(folder, 'test');
const notifications = JSON.parse(readFileSync(told, 'utf8')) as NotificationsSpec; // written by the test
startControlWorker({
  environment: 'test',
  databaseUrl,
  temporalAddress,
  dataConverter: createDataConverter(createSealer(openKeyRing(folder, 'codec', 'test'))),
  connectors: targetConnectors(targetUrl),
  sealer: createSealer(openKeyRing(folder, 'seal', 'test')),
  telling: { notifications: () => notifications, consoleUrl: 'https://estop.example.org', readSecret },
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
});
process.stdout.write('{"started":true}\n');
