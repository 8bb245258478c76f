import { connect } from 'node:net';
import { directly } from '../../contract/temporal-security.ts';

export interface TemporalProbe {
  readonly address: string;
  readonly otherPort: number;
  readonly namespaces: readonly string[];
  readonly searchAttributes: readonly string[];
}

/**
 * Succeeds when the server answers on gRPC and knows these namespaces and search attributes: all that a client may rely on.
 * The client library is loaded only here, because it takes a fifth of a second.
 */
export async function probeTemporal({
  address,
  otherPort,
  namespaces,
  searchAttributes,
}: TemporalProbe): Promise<void> {
  // A gRPC channel whose first attempt fails waits a second before the next one: knock before.
  await knock(address);
  // If a stranger's Temporal was faster on our port, ours is not there on its other one.
  await knock(`127.0.0.1:${otherPort}`);
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: '2s', channelArgs: directly });
  try {
    await connection.withDeadline(Date.now() + 5_000, async () => {
      for (const namespace of namespaces) {
        await connection.workflowService.describeNamespace({ namespace });
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
        const missing = searchAttributes.filter((attribute) => !Object.hasOwn(customAttributes ?? {}, attribute));
        if (missing.length > 0) throw new Error(`${namespace} lacks the search attributes ${missing.join(', ')}`);
      }
    });
  } finally {
    await connection.close();
  }
}

function knock(address: string): Promise<void> {
  const colon = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
    socket.once('connect', () => resolve(void socket.destroy()));
    socket.once('error', reject);
  });
}
