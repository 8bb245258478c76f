import { EstopError } from '../core/errors.ts';

/** The header by which a stream of events goes on. */
export const lastEventIdHeader = 'Last-Event-ID';

/** Whoever wanted to go on from there would begin somewhere else than they think, and not know what they missed. */
export function notAnEvent(pointer: string = lastEventIdHeader): EstopError {
  const message =
    'This is no id of an event. Each event has its own (-o jsonl shows it); without one the stream begins now.';
  return new EstopError('invalid-input', { fields: [{ pointer, message }] });
}
