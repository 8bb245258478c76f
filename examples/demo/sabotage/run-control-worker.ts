import type { Connector } from '../../../src/connectors/kit/contract.ts';
import { compose } from '../../../src/runtime/compose.ts';
import { createConnectorDirectory } from '../../../src/runtime/connector-directory.ts';
import { endWithParent } from '../../../src/runtime/local/end-with-parent.ts';
import { type ControlWorkerDeps, startControlWorker } from '../../../src/workers/create-control.ts';

export interface Sabotage {
  readonly connector?: (connector: Connector) => Connector;
  readonly tasks?: ControlWorkerDeps['decorateTasks'];
}

/** The control worker as it is, but for one part. */
export function runControlWorker(sabotage: Sabotage): void {
  endWithParent();
  const composition = compose('control-worker');
  const { settings, log } = composition;
  const config = composition.config();
  const directory = createConnectorDirectory({ config: config.current(), readSecret: composition.secretReader(), log });
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
        return { ...held, connector: sabotage.connector?.(held.connector) ?? held.connector };
      },
    },
    sealer: composition.grantSealer(),
    log,
    ...(sabotage.tasks === undefined ? {} : { decorateTasks: sabotage.tasks }),
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      config.close();
      void Promise.allSettled([worker.close(), directory.close()]).then(() => process.exit(0));
    });
  }
}
