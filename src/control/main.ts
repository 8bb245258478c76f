import { namespaces } from '../contract/names.ts';
import { readPolicyFolder } from '../policy/read-folder.ts';
import { compose } from '../runtime/compose.ts';
import { guardedFetch } from '../runtime/guarded-fetch.ts';
import { collectOnceStarted } from '../runtime/local/collect-garbage.ts';
import { endWithParent } from '../runtime/local/end-with-parent.ts';
import { openMetrics } from '../runtime/metrics/open-metrics.ts';
import { policiesFolder } from '../runtime/package-root.ts';
import { applyConfig, applyConfigWhenReachable } from './apply-config.ts';
import { createControlMetrics } from './metrics.ts';
import { startControlServer } from './server.ts';
import { createTaskWorkflows } from './temporal-task-workflows.ts';

endWithParent();
const composition = compose('control');
const { settings, log } = composition;
const config = composition.config();
let isConfigApplied = false;
const metrics = await openMetrics({ processName: 'control', bind: settings.metricsBind, log });
const control = await startControlServer({
  environment: settings.environment,
  databaseUrl: composition.databaseUrl(),
  host: settings.host,
  port: settings.controlPort,
  allowRemote: settings.allowRemote,
  config,
  policies: readPolicyFolder(policiesFolder),
  authenticator: composition.authenticator(),
  signer: composition.tokenSigner(),
  proofs: composition.operatorProofs(),
  guardedFetch,
  flowKeys: composition.flowKeys(),
  secretSealer: composition.secretSealer(),
  clientKeys: composition.clientKeys(),
  gatewayUrl: settings.gatewayUrl,
  workflows: createTaskWorkflows(async () => (await composition.temporal()).client(namespaces.agents), log),
  log,
  ...(metrics === undefined ? {} : { watch: createControlMetrics(metrics.registry) }),
  openPayloads: (payloads) => composition.payloadCodec().decode(payloads),
  isConfigApplied: () => isConfigApplied,
  stopUrl: settings.stopUrl,
  controlUrl: settings.controlUrl,
  hostNames: settings.hostNames,
  trustedProxies: settings.trustedProxies,
  temporalUiUrl: settings.temporalUiUrl,
  readSecret: composition.secretReader(),
});
log.info({ event: 'control.listening', url: control.url }, 'the control API listens');
collectOnceStarted();

const ending = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    ending.abort();
    config.close();
    control.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
}

const { store } = control.deps;
config.onChange((next) => {
  applyConfig(store, next, 'configuration', log).catch((thrown: unknown) =>
    log.error(
      { event: 'config.not-applied', cause: String(thrown) },
      'the configuration could not be written into the ledger',
    ),
  );
});
await applyConfigWhenReachable(store, config.current(), log, ending.signal);
isConfigApplied = true;
log.info({ event: 'control.ready' }, 'the configuration is in the ledger');
