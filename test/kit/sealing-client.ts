import { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';

/** What a client with keys of its own writes. Every second payload says it is plain and is junk. */
export function sealingClient({ connection, options }: Client): Client {
  let written = 0;
  const seal = (encoding: string) => ({
    metadata: { encoding: new TextEncoder().encode(encoding) },
    data: new TextEncoder().encode('not for you'),
  });
  const codec: PayloadCodec = {
    encode: async (payloads) => payloads.map(() => seal(written++ % 2 === 0 ? 'binary/encrypted' : 'json/plain')),
    decode: async (payloads) =>
      payloads.map(() => ({ metadata: { encoding: new TextEncoder().encode('binary/null') } })),
  };
  return new Client({ connection, namespace: options.namespace, dataConverter: { payloadCodecs: [codec] } });
}
