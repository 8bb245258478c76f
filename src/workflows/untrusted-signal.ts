import { type RawValue, rawValueTypeInfo, type TypeInfo } from '@temporalio/common';
import { defaultPayloadConverter, defineSignal, type SignalDefinition } from '@temporalio/workflow';

/**
 * Whoever may signal a workflow may send bytes that nobody can read. The SDK converts a signal's arguments before any handler
 * runs, and what it cannot convert fails the workflow task, again and again: one junk signal would make a task that no `kill`
 * reaches. So these signals take their arguments raw, however many there are, and a handler reads what can be read.
 * The payload codec does its part: what it cannot open it hands on as it is.
 */
export function defineUntrustedSignal(name: string): SignalDefinition<RawValue[]> {
  return defineSignal<RawValue[]>(name, { typeInfo: { inputTypes: rawForEveryArgument } });
}

/** What a signal says, or undefined if it says nothing readable. Still anything at all: the reader checks its shape. */
export function readUntrusted(value: RawValue | undefined): unknown {
  if (value === undefined) return undefined;
  try {
    return defaultPayloadConverter.fromPayload(value.payload);
  } catch {
    return undefined;
  }
}

const rawForEveryArgument = new Proxy<readonly TypeInfo[]>([], {
  get: (target, property) =>
    typeof property === 'string' && /^\d+$/.test(property) ? rawValueTypeInfo : Reflect.get(target, property),
});
