import { compose } from '../runtime/compose.ts';
import { collectOnceStarted } from '../runtime/local/collect-garbage.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { openMetrics } from '../runtime/metrics/open-metrics.ts';
import { bundleWorkflows } from './bundle.ts';
import { createAgentWorker } from './create-agent-worker.ts';
import { createFailureWatch } from './metrics.ts';
import { runWorker } from './run-worker.ts';

endWithParent();
collectOnceStarted();
const composition = compose('agent-worker');
const { settings, log } = composition;
const config = composition.config();
// Once, and now: a worker without its token would take tasks that it cannot run.
const workerToken = composition.workerToken();
const workflowBundle = await bundleWorkflows('agents');

const metrics = await openMetrics({ processName: 'agent-worker', bind: settings.metricsBind, log });
const onFailure = metrics === undefined ? undefined : createFailureWatch(metrics.registry);

await runWorker({
  log,
  environment: settings.environment,
  temporalMetrics: settings.temporalMetricsBind,
  temporalAddress: settings.temporalAddress,
  temporalSecurity: composition.temporalSecurity(),
  create: (connection) =>
    createAgentWorker({
      connection,
      dataConverter: composition.dataConverter(),
      workflowBundle,
      gatewayUrl: settings.gatewayUrl,
      controlUrl: settings.controlUrl,
      stopUrl: settings.stopUrl,
      workerToken: () => workerToken,
      config,
      log,
      onFailure,
    }),
  close: async () => config.close(),
});
process.exit(0);
