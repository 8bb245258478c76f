import './small-heap.ts';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';
import { compose } from '../runtime/compose.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { raisePriority } from './raise-priority.ts';
import { startStopServer } from './server.ts';
import type { StopWatch } from './watch.ts';

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
  temporalSecurity: securityOrNone(),
  authenticator: composition.authenticator(),
  proofs: composition.operatorProofs(),
  dataConverter: composition.dataConverter(),
  log,
  ...(await watchOrNone()),
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

/** Whatever is wrong with the figures, stops are taken: also where what shows them cannot even be loaded. */
async function watchOrNone(): Promise<{ readonly watch?: StopWatch }> {
  if (settings.metricsBind === undefined) return {};
  try {
    const { openStopMetrics } = await import('./metrics.ts');
    const watch = await openStopMetrics(settings.metricsBind, log);
    return watch === undefined ? {} : { watch };
  } catch (thrown) {
    log.error({ event: 'metrics.not-shown', cause: String(thrown) }, 'figures cannot be shown; everything else works');
    return {};
  }
}

/** Without its credentials the second road is shut; the first one, into the store, opens all the same. Never in the clear instead. */
function securityOrNone(): TemporalSecurity {
  try {
    return composition.temporalSecurity();
  } catch (thrown) {
    log.error(
      {
        event: 'temporal.credentials',
        code: errorCodeOf(thrown),
        detail: thrown instanceof EstopError ? thrown.detail : undefined,
      },
      'the credentials for Temporal cannot be read: no stop goes through the intake until this process starts with them',
    );
    return { tls: true };
  }
}
