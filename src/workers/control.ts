import { compose } from '../runtime/compose.ts';
import { createConnectorDirectory } from '../runtime/connector-directory.ts';
import { collectOnceStarted } from '../runtime/local/collect-garbage.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { openMetrics } from '../runtime/metrics/open-metrics.ts';
import { startControlWorker } from './create-control.ts';

endWithParent();
collectOnceStarted();
const composition = compose('control-worker');
const { settings, log } = composition;
const config = composition.config();
const connectors = createConnectorDirectory({ config: config.current(), readSecret: composition.secretReader(), log });
const metrics = await openMetrics({ processName: 'control-worker', bind: settings.metricsBind, log });
const worker = startControlWorker({
  environment: settings.environment,
  databaseUrl: composition.databaseUrl(),
  temporalAddress: settings.temporalAddress,
  temporalSecurity: composition.temporalSecurity(),
  dataConverter: composition.dataConverter(),
  connectors,
  sealer: composition.grantSealer(),
  log,
  registry: metrics?.registry,
  temporalMetrics: settings.temporalMetricsBind,
  retentionMs: settings.retentionDays * 86_400_000,
  response: () => config.current(),
  drills: () => config.current().drills ?? [],
  telling: {
    notifications: () => config.current().notifications,
    consoleUrl: settings.controlUrl,
    readSecret: composition.secretReader(),
  },
});
config.onChange((next) => {
  connectors.apply(next);
  worker.refresh();
});
log.info({ event: 'control-worker.running', connectors: connectors.ids() }, 'the control worker runs');

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    config.close();
    void Promise.allSettled([worker.close().then(() => connectors.close())]).then(() => process.exit(0));
  });
}
