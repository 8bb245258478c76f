import { fileURLToPath } from 'node:url';
import type { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import type { Sealer } from '../contract/identity.ts';
import type { TemporalSecurity } from '../contract/temporal-security.ts';
import { createPayloadCodec } from './keys/payload-codec.ts';
import { sourceExtension } from './package-root.ts';
import { traceOfStarter } from './trace-of-starter.ts';

/** Payloads are sealed; so are failure messages and stack traces, which can hold what a tool or model said. */
export function createDataConverter(sealer: Sealer): DataConverter {
  return {
    payloadCodecs: [createPayloadCodec(sealer)],
    failureConverterPath: fileURLToPath(new URL(`../workflows/failure-converter${sourceExtension}`, import.meta.url)),
  };
}

export interface TemporalClients {
  readonly connection: Connection;
  client(namespace: string): Client;
  close(): Promise<void>;
}

/** Connects on first use, so that a process comes up while Temporal is away. Imported late: the client is large. */
export async function connectTemporal(
  address: string,
  security: TemporalSecurity,
  dataConverter: DataConverter,
): Promise<TemporalClients> {
  const [{ Client }, { lazyConnection }] = await Promise.all([
    import('@temporalio/client'),
    import('./lazy-connection.ts'),
  ]);
  const connection = lazyConnection({ address, ...security });
  const clients = new Map<string, Client>();
  return {
    connection,
    client: (namespace) => {
      const known =
        clients.get(namespace) ?? new Client({ connection, namespace, dataConverter, interceptors: traceOfStarter });
      clients.set(namespace, known);
      return known;
    },
    close: () => connection.close(),
  };
}
