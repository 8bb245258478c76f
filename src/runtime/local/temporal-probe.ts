import { connect } from 'node:net';

/**
 * Succeeds when the server answers on gRPC and knows these namespaces and search attributes: all that a client may rely on.
 * The client library is loaded only here, because it takes a fifth of a second.
 */
export async function probeTemporal(address: string, namespaces: readonly string[], searchAttributes: readonly string[]): Promise<void> {
  // A gRPC channel whose first attempt fails waits a second before the next one: knock before.
  await knock(address);
  const { Connection } = await import('@temporalio/client');
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
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
