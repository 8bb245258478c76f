import type { Connector, ConnectorSystem } from '../connectors/kit/contract.ts';

/** The instances of estop.yaml, built elsewhere. */
export interface ConnectorDirectory {
  /** Throws EstopError: `not-found`, or `connector-unavailable` for one that could not be built. */
  get(connectorId: string): { readonly system: ConnectorSystem; readonly connector: Connector };
}
