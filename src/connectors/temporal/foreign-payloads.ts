import type { Payload, PayloadCodec, PayloadConverter } from '@temporalio/common';

const encoding = new TextEncoder().encode('binary/null');

/**
 * A client decodes every memo, argument and note of what it describes and lists, and fails as a whole on the first that it cannot
 * read. An agent can write such a payload, and so keep a cut or a probe from ever coming to an end. What cannot be read counts as
 * empty here: only our own marks are looked at, and those are plain.
 */
export function emptyForeignPayloads(converter: PayloadConverter): PayloadCodec {
  const isReadable = (payload: Payload): boolean => {
    try {
      converter.fromPayload(payload);
      return true;
    } catch {
      return false;
    }
  };
  return {
    encode: async (payloads) => payloads,
    decode: async (payloads) => payloads.map((payload) => (isReadable(payload) ? payload : { metadata: { encoding } })),
  };
}
