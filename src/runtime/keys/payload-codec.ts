import type { Payload, PayloadCodec } from '@temporalio/common';
import type { Sealer } from '../../contract/identity.ts';

const encoding = new TextEncoder().encode('binary/estop-sealed');
const encodingText = 'binary/estop-sealed';
const context = 'temporal-payload';

/**
 * Imported late: it is large, and whoever composes a process that never speaks to Temporal is spared it. A CommonJS package whose
 * exports Node cannot name in advance, hence the default import.
 */
const payloadMessage = async () => (await import('@temporalio/proto')).default.temporal.api.common.v1.Payload;

/**
 * Seals every payload before it leaves the process, so that prompts, answers and tool output are unreadable in histories, in
 * Temporal's own store and UI. Not protected: workflow ids, search attributes, activity and signal names, sizes and times.
 */
export function createPayloadCodec(sealer: Sealer): PayloadCodec {
  return {
    encode: async (payloads) => {
      const message = await payloadMessage();
      return payloads.map((payload): Payload => {
        if (isWorkflowMetadata(payload)) return payload;
        return { metadata: { encoding }, data: sealer.seal(message.encode(payload).finish(), context) };
      });
    },
    decode: async (payloads) => {
      const message = await payloadMessage();
      const opened = (payload: Payload): Payload | undefined => {
        try {
          return message.decode(sealer.open(payload.data ?? new Uint8Array(), context));
        } catch {
          return undefined;
        }
      };
      return payloads.map((payload): Payload => {
        // What Temporal's own CLI sends is not sealed; it is input like any other and is parsed, never trusted.
        if (new TextDecoder().decode(payload.metadata?.['encoding'] ?? undefined) !== encodingText) return payload;
        // Handed on unopened: throwing here would fail the workflow task, so that one forged signal made a task that no `kill` reaches.
        // Whoever needs the content fails on its encoding instead, and is tried again once the key is there.
        return opened(payload) ?? payload;
      });
    },
  };
}

const metadataStart = new TextEncoder().encode('{"definition":{"type":');

/**
 * The SDK's own answer about a workflow: its messages, and the details we set, which name ids and states and never content. It
 * stays readable, because it is what Temporal's UI shows an operator who has no key. It is never stored: only queries answer it.
 */
function isWorkflowMetadata({ data, metadata }: Payload): boolean {
  if (new TextDecoder().decode(metadata?.['encoding'] ?? undefined) !== 'json/plain') return false;
  if (data === null || data === undefined || !metadataStart.every((byte, index) => data[index] === byte)) return false;
  const value: unknown = JSON.parse(new TextDecoder().decode(data));
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).every((key) => key === 'definition' || key === 'currentDetails')
  );
}
