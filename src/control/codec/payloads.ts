import { z } from 'zod';

/** As Temporal's remote codecs write it: protobuf's JSON, bytes in base64. */
const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64');
const WirePayload = z.looseObject({
  metadata: z.record(z.string().max(200), base64).optional(),
  data: base64.optional(),
});

const payloadsAtMost = 5_000;
/** A list without an entry is left out by protobuf's JSON: what the command line asks of a signal without a word is `{}`. */
export const WirePayloads = z.object({ payloads: z.array(WirePayload).max(payloadsAtMost).default([]) });

type Wire = z.infer<typeof WirePayload>;

/** What a codec of Temporal's SDK works on. */
export interface Payload {
  metadata?: Record<string, Uint8Array> | null;
  data?: Uint8Array | null;
}

export function fromWire({ metadata, data }: Wire): Payload {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, bytes(value)])),
    data: bytes(data ?? ''),
  };
}

export function toWire({ metadata, data }: Payload): Wire {
  return {
    metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, text(value)])),
    data: text(data ?? new Uint8Array()),
  };
}

const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'base64'));
const text = (value: Uint8Array): string => Buffer.from(value).toString('base64');
