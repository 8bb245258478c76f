import type { Connector } from '../../../src/connectors/kit/contract.ts';
import { compose } from '../../../src/runtime/compose.ts';
import { createConnectorDirectory } from '../../../src/runtime/connector-directory.ts';
import { endWithParent } from '../../../src/runtime/local/end-with-parent.ts';
import { type ControlWorkerDeps, startControlWorker } from '../../../src/workers/create-control.ts';
import { sabotagesIn } from '../options.ts';
import { idleCuts } from './idle-cuts.ts';
import { idleHalt } from './idle-halt.ts';
import { lyingProbes } from './lying-probes.ts';

export interface WorkerSabotage {
  readonly connector?: (connector: Connector) => Connector;
  readonly tasks?: ControlWorkerDeps['decorateTasks'];
}

/** The control worker as it is, but for the parts that the demo was told to spoil. */
endWithParent();
const composition = compose('control-worker');
const { settings, log } = composition;
const config = composition.config();
const directory = createConnectorDirectory({ config: config.current(), readSecret: composition.secretReader(), log });
const spoiled = sabotagesIn(process.env['DEMO_SABOTAGE'] ?? '');
const decorate: WorkerSabotage = {
  ...(spoiled.includes('halt') ? idleHalt : {}),
  ...(spoiled.includes('revoke') ? idleCuts : {}),
  ...(spoiled.includes('probe') ? lyingProbes : {}),
};
const worker = startControlWorker({
  environment: settings.environment,
  databaseUrl: composition.databaseUrl(),
  temporalAddress: settings.temporalAddress,
  temporalSecurity: composition.temporalSecurity(),
  dataConverter: composition.dataConverter(),
  connectors: {
    ...directory,
    get: (connectorId) => {
      const held = directory.get(connectorId);
      return { ...held, connector: decorate.connector?.(held.connector) ?? held.connector };
    },
  },
  sealer: composition.grantSealer(),
  log,
  ...(decorate.tasks === undefined ? {} : { decorateTasks: decorate.tasks }),
});
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    config.close();
    void Promise.allSettled([worker.close(), directory.close()]).then(() => process.exit(0));
  });
}
