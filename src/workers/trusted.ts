import { readPolicyFolder } from '../policy/read-folder.ts';
import { compose } from '../runtime/compose.ts';
import { createConnectorDirectory } from '../runtime/connector-directory.ts';
import { collectOnceStarted } from '../runtime/local/collect-garbage.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { openMetrics } from '../runtime/metrics/open-metrics.ts';
import { policiesFolder } from '../runtime/package-root.ts';
import { openStore } from '../store/pool.ts';
import { createTrustedWorker } from './create-trusted-worker.ts';
import { judgeGrants } from './judge-grants.ts';
import { createFailureWatch } from './metrics.ts';
import { runWorker } from './run-worker.ts';

endWithParent();
collectOnceStarted();
const composition = compose('trusted-worker');
const { settings, log } = composition;
const config = composition.config();
const connectors = createConnectorDirectory({ config: config.current(), readSecret: composition.secretReader(), log });
config.onChange((next) => connectors.apply(next));
const open = (applicationName: string, max: number) =>
  openStore({
    url: composition.databaseUrl(),
    applicationName,
    max,
    onError: (error) => log.warn({ event: 'store.connection', name: error.name }, 'an idle store connection broke'),
  });
// Together below the role's smallest connection limit.
const store = open('estop-trusted', 4);
const latchStore = open('estop-trusted-latch', 2);

const metrics = await openMetrics({ processName: 'trusted-worker', bind: settings.metricsBind, log });
const onFailure = metrics === undefined ? undefined : createFailureWatch(metrics.registry);

await runWorker({
  log,
  environment: settings.environment,
  temporalMetrics: settings.temporalMetricsBind,
  temporalAddress: settings.temporalAddress,
  temporalSecurity: composition.temporalSecurity(),
  create: (connection) =>
    createTrustedWorker({
      connection,
      dataConverter: composition.dataConverter(),
      store,
      latchStore,
      config,
      connectors,
      sealer: composition.grantSealer(),
      judgeGrant: judgeGrants({ store, config, shipped: readPolicyFolder(policiesFolder), log }),
      log,
      onFailure,
    }),
  close: async () => {
    config.close();
    await Promise.all([connectors.close(), store.end(), latchStore.end()]);
  },
});
process.exit(0);
