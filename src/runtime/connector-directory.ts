import { connectorSystems } from '../connectors/index.ts';
import type { Connector, ConnectorSystem } from '../connectors/kit/contract.ts';
import type { EstopConfig, SecretAt } from '../contract/config.ts';
import type { Log } from '../contract/identity.ts';
import { EstopError, errorCodeOf } from '../core/errors.ts';

export interface HeldConnector {
  readonly connectorId: string;
  readonly system: ConnectorSystem;
  readonly connector: Connector;
}

export interface ConnectorDirectory {
  ids(): readonly string[];
  /** Throws `connector-unavailable` with the reason for one that could not be built; the others work. */
  get(connectorId: string): HeldConnector;
  system(connectorId: string): ConnectorSystem | undefined;
  /** Builds what is new or changed, closes what is gone. */
  apply(config: EstopConfig): void;
  close(): Promise<void>;
}

interface DirectoryOptions {
  readonly config: EstopConfig;
  readonly readSecret: (reference: SecretAt) => string;
  readonly log: Log;
}

export function createConnectorDirectory({ config, readSecret, log }: DirectoryOptions): ConnectorDirectory {
  const held = new Map<string, { readonly options: string; readonly entry: HeldConnector }>();
  let specs = new Map(config.connectors.map((spec) => [spec.connectorId, spec]));
  const environment = config.environment;

  const build = (connectorId: string): HeldConnector => {
    const spec = specs.get(connectorId);
    if (spec === undefined) throw new EstopError('not-found', { detail: `connector ${connectorId} is not configured` });
    const options = JSON.stringify(spec.options);
    const known = held.get(connectorId);
    if (known !== undefined && known.options === options) return known.entry;
    const system = connectorSystems.find((member) => member.system === spec.system);
    if (system === undefined) throw new EstopError('not-found', { detail: `system ${spec.system} is not known` });
    try {
      const connector = system.create(spec.options, { connectorId, environment, readSecret, now: () => new Date() });
      const entry = { connectorId, system, connector };
      held.set(connectorId, { options, entry });
      if (known !== undefined) void known.entry.connector.close().catch(() => undefined); // a closing pool has nobody left to tell
      return entry;
    } catch (cause) {
      throw new EstopError('connector-unavailable', { detail: `${connectorId}: ${errorCodeOf(cause)}`, cause });
    }
  };

  const directory: ConnectorDirectory = {
    ids: () => [...specs.keys()],
    get: build,
    system: (connectorId) => {
      const spec = specs.get(connectorId);
      return connectorSystems.find((member) => member.system === spec?.system);
    },
    apply: (next) => {
      specs = new Map(next.connectors.map((spec) => [spec.connectorId, spec]));
      for (const connectorId of specs.keys()) {
        try {
          build(connectorId);
        } catch (thrown) {
          log.error(
            { event: 'connector.unavailable', connectorId, code: errorCodeOf(thrown) },
            'a connector cannot be built; the others go on',
          );
        }
      }
    },
    close: async () => {
      await Promise.allSettled([...held.values()].map(({ entry }) => entry.connector.close()));
      held.clear();
    },
  };
  directory.apply(config);
  return directory;
}
