import './bounded-heap.ts';
import { readPolicyFolder } from '../policy/read-folder.ts';
import { compose } from '../runtime/compose.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { openMetrics } from '../runtime/metrics/open-metrics.ts';
import { policiesFolder } from '../runtime/package-root.ts';
import { createGatewayMetrics } from './metrics.ts';
import { startGateway } from './server.ts';

endWithParent();
const composition = compose('gateway');
const { settings, log } = composition;
const config = composition.config();
const metrics = await openMetrics({ processName: 'gateway', bind: settings.metricsBind, log });
const gateway = await startGateway({
  environment: settings.environment,
  databaseUrl: composition.databaseUrl(),
  host: settings.host,
  port: settings.gatewayPort,
  ...(settings.gatewayStateFolder === undefined ? {} : { stateFolder: settings.gatewayStateFolder }),
  largestPrompt: settings.largestPromptMib * 1024 * 1024,
  allowedHosts: [new URL(settings.gatewayUrl).hostname, ...settings.hostNames],
  tokenIssuer: new URL(settings.controlUrl).href.replace(/\/$/, ''),
  isBehindTls: new URL(settings.gatewayUrl).protocol === 'https:',
  config,
  policies: readPolicyFolder(policiesFolder),
  readSecret: composition.secretReader(),
  verifier: composition.tokenVerifier(),
  sealer: composition.grantSealer(),
  secretSealer: composition.secretOpener(),
  approvalPage: (approvalId) => `${settings.controlUrl}/approvals/${approvalId}`,
  approvalStateKey: composition.approvalStateKey(),
  flowKeys: composition.flowKeys(),
  log,
  ...(metrics === undefined ? {} : { watch: createGatewayMetrics(metrics.registry) }),
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    config.close();
    gateway.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}
