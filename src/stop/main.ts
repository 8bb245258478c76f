import './small-heap.ts';
import { compose } from '../runtime/compose.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { raisePriority } from './raise-priority.ts';
import { startStopServer } from './server.ts';

endWithParent();
const composition = compose('stop');
const { settings, log } = composition;
raisePriority(log);
const server = await startStopServer({
  environment: settings.environment,
  host: settings.host,
  port: settings.stopPort,
  databaseUrl: composition.databaseUrl(),
  temporalAddress: settings.temporalAddress,
  authenticator: composition.authenticator(),
  dataConverter: composition.dataConverter(),
  log,
});
log.info({ event: 'stop.listening', url: server.url }, 'the stop process listens');

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
